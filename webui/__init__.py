"""The search page and the HTTP API, as a site of their own or inside another Flask application.

What comes in: an open `Index`, and HTTP requests. What goes out: HTML for people; JSON, CSV, JSON Lines and
Atom for programs. This package only asks and shows: everything about searching is in `indexer`.

    create_app   the whole site, from the configuration
    init_app     a blueprint in an application that exists
    serve        the server for the whole site

Where to begin: `pages.py` for what a person sees, `api.py` for what a program gets. A request passes through

    app           makes the Flask application
    mount         ties one index to one blueprint
    security      checks the request (size, host) and sets the headers of the response
    urls          reads the parameters of a request into a `Search`, and writes every URL
    pages         asks the index for the pages
    api           asks the index for programs
    presenters    gives templates what results do not have: pieces of text, dates, the URLs of a page
    notes         says the notes of the library in the language of the page
    refinements   makes the active filters, facets and periods of a page of results
    timeline      makes the drawing of its hits over time
    examples      makes example queries for the start page
    answers       has the structs of the API that the library does not have, and writes JSON
    export        writes rows and feeds
    citations     writes BibTeX, RIS and CSL-JSON
    caching       sets ETags, and forbids storing incomplete responses
    errors        gives each error its status and its texts

and beside them are

    parameters    the parameters of the API, for checking requests and for documentation
    openapi       the OpenAPI description of the API
    monitoring    health checks and Prometheus metrics
    server        the server for the whole site
    translations  the texts, dates and numbers of the page in each of its languages
    templates     the HTML of the page
    static        its style and script, and `nutgraf-search.js`: an element with the search for any page

Only templates and the scripts make HTML: they escape first and mark matches after.
"""

from __future__ import annotations

from webui.app import create_app, init_app
from webui.server import serve

__all__ = ["create_app", "init_app", "serve"]
