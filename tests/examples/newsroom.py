"""Two archives in one Flask application, which keeps its own pages, policy and look.

python tests/examples/newsroom.py
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from flask import Flask, Response, g, url_for
from jinja2 import DictLoader

import webui
from indexer import Article, Index, open_index

# Only the name above the search box is another one; the rest of the page stays as it is.
TEMPLATES = {
    "nutgraf/base.html": """{% extends "!nutgraf/base.html" %}
        {% block masthead %}<p>The Quay</p>{% endblock %}""",
}


def create_app(news: Index, letters: Index) -> Flask:
    """An application factory."""
    app = Flask(__name__)
    app.jinja_loader = DictLoader(TEMPLATES)

    @app.before_request
    def choose_nonce() -> None:
        g.nonce = secrets.token_urlsafe(16)

    @app.after_request
    def set_policy(response: Response) -> Response:
        allowed = f"'nonce-{g.nonce}'"
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src {allowed}; style-src {allowed}"
        )
        return response

    @app.get("/")
    def front() -> str:
        return f'<a href="{url_for("letters.search", q="ferry")}">Letters about the ferry</a>'

    # With Flask-Talisman there is no need to name the nonce.
    webui.init_app(app, news, url_prefix="/news", nonce=lambda: str(g.nonce))
    webui.init_app(app, letters, url_prefix="/letters", name="letters", nonce=lambda: str(g.nonce))
    return app


def main() -> None:
    """Make two archives, and ask the application as a browser would."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_index(Path(folder) / "news") as news,
        open_index(Path(folder) / "letters") as letters,
    ):
        news.put([Article(id="1", title="Night ferry returns", paragraphs=["It sails on Friday."])])
        letters.put([Article(id="1", title="Too loud", paragraphs=["The ferry wakes the street."])])
        browser = create_app(news, letters).test_client()
        print(browser.get("/").text)
        page = browser.get("/letters/?q=ferry")
        print(page.status, "The Quay" in page.text, 'href="/letters/a/1' in page.text)
        found = browser.get("/news/api/search?q=ferry").get_json()
        print([hit["article"]["title"] for hit in found["hits"]])


if __name__ == "__main__":
    main()
