"""The commands that serve an index: serve, the site and the JSON API, and mcp, for AI agents."""

from __future__ import annotations

from typing import Any

import click

from indexer.cli.indexing import finish
from indexer.cli.options import index_option, open_configured, processes_option, restriction_option
from indexer.cli.progress import show_progress
from indexer.errors import ConfigError

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""The names by which programs on this machine address it."""


@click.command()
@index_option
@click.option("--host", help="The address to listen at (default: 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one (default: 8765).")
@click.option("--allow-remote", is_flag=True, help="Serve at an address that other machines can reach.")
@processes_option
def serve(index: str | None, allow_remote: bool, **options: Any) -> int:
    """Serve the search page and the JSON API.

    Each request is logged as a line of JSON on standard error, without its query (see option log_queries).
    Unless --allow-remote, only requests addressed to this machine are answered (see option trusted_hosts).

    If there is no index yet, it is first built from the configured sources (default: seeds).
    """
    # Imported here because no other command needs the site.
    from webui import create_app
    from webui.server import serve as run

    archive = open_configured(index=index)
    code = 0
    if not archive.exists:
        with show_progress() as progress:
            report = archive.sync(progress=progress)
        code = finish(report, to_err=True)
    config = archive.config.with_options(options)
    if not config.trusted_hosts and not allow_remote:
        # Prevents DNS rebinding, by which a foreign site could read the archive through the user's browser.
        host = f"[{config.host}]" if ":" in config.host else config.host
        config = config.with_options({"trusted_hosts": (*LOCAL_NAMES, host)})
    run(
        create_app(config),
        config.host,
        config.port,
        allow_remote=allow_remote,
        announce=lambda address: click.echo(f"Serving on {address} (stop with Ctrl-C)"),
        processes=config.processes,
        log_queries=config.log_queries,
    )
    return code


@click.command()
@index_option
@click.option("--site", metavar="URL", help="The address of the search page, for links in the answers.")
@restriction_option
def mcp(index: str | None, site: str | None, filters: dict[str, list[str] | bool]) -> int:
    """Serve the index to an AI agent, over standard input and output (Model Context Protocol).

    Read-only tools: search, read_article, timeline, verify_quote. With --filter, they answer as if the index
    had no other articles. Needs the extra: pip install 'nutgraf[mcp]'.
    """
    try:
        from indexer.integrations.mcp_server import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "pydantic"):
            raise
        raise ConfigError(
            f"nutgraf mcp needs the official MCP SDK, and {error.name} is not installed: "
            "pip install 'nutgraf[mcp]'"
        ) from error
    archive = open_configured(index=index)
    run(archive.restricted(filters) if filters else archive, site)
    return 0
