"""The search page and the HTTP API, as a site of their own or inside another Flask application.

What comes in: an open `Index`, and HTTP requests. What goes out: HTML for people; JSON, CSV, JSON Lines and
Atom for programs. This package only asks and shows: everything about searching is in `indexer`.

    create_app   the whole site, from the configuration
    init_app     a blueprint in an application that exists
    serve        the server for the whole site

Where to begin: `pages.py` for what a person sees, `api.py` for what a program gets. Both follow one path:

    app           makes the application; mount.py ties one index to one blueprint
    security      checks the request (size, host) and sets the headers of the answer
    urls          reads the parameters of a request into a `Search`, and writes every address
    pages, api    ask the index
    presenters    turn results into plain values for templates; filters.py does so for facets, dates, timeline
    wire, export  turn results into JSON, and into rows and feeds
    caching       ETags; errors.py says what cannot be answered

Beside the path: `parameters` declares what the API accepts and `openapi` describes it; `citations` writes
BibTeX, RIS and CSL-JSON; `monitoring` has health checks and Prometheus metrics; `server` runs the site;
`translations` holds the texts of the page in six languages. `templates/` and `static/` are the page itself,
and `static/nutgraf-search.js` is an element that puts the search into any page.

Only templates and the scripts make HTML: they escape first and mark matches after.
"""

from __future__ import annotations

from webui.app import create_app, init_app
from webui.server import serve

__all__ = ["create_app", "init_app", "serve"]
