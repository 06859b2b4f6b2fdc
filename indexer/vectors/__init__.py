"""Models, which make vectors of texts: texts that mean much the same have vectors that point the same way.

In comes what the administrator has: a folder with a model, a name, or the address of a service. Out comes a
`Model`, from `open_model`: it embeds the paragraphs of an archive when they are indexed, and each query. The
engine keeps the vectors and finds the nearest ones; what they count is decided in `indexer.search.meaning`.

    model       what a model is, which one the option names, windows of long texts, loading on first use
    static      a folder with a row of numbers for each piece of a word
    onnx        a folder with a network in the format ONNX
    hub         models that sentence-transformers runs, by name or in a folder
    service     models of a service, over HTTP
    folder      what the folder of a model has: configuration, tokenizer, fingerprint

Begin with `open_model`. The libraries that run models are an extra, and loaded when a model is first used.
"""

from indexer.vectors.model import Matrix, Model, TextRefused, open_model

__all__ = ["Matrix", "Model", "TextRefused", "open_model"]
