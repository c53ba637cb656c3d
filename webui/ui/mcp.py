"""The API for MCP clients: the same endpoints as tools, by Gradio's own MCP server."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from webui.errors import SettingsError
from webui.settings import Settings

# Addresses that are listened on, by which nothing can be reached.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def check_mcp(settings: Settings) -> None:
    """Refuse to serve MCP without its packages.

    Raises:
        SettingsError: they are not installed.
    """
    if settings.mcp and importlib.util.find_spec("mcp") is None:
        raise SettingsError(
            name="FSMN_VAD_MCP",
            reason="the MCP packages are not installed; in this program's environment run "
            'pip install -c constraints.txt -e ".[mcp]"',
            reason_zh="未安装 MCP 软件包；请在本程序的环境中运行 "
            'pip install -c constraints.txt -e ".[mcp]"',
        )


def tell_json(page: gr.Blocks) -> None:
    """Have the tools of a page answer in JSON; Gradio would write what Python shows of a value.

    Args:
        page: mounted with an MCP server.
    """
    from mcp import types

    server = vars(page)["mcp_server_obj"]

    def told(values: Sequence[Any], root_url: str) -> list[types.TextContent]:
        return [
            types.TextContent(type="text", text=json.dumps(value, ensure_ascii=False))
            for value in values
        ]

    vars(server)["postprocess_output_data"] = told
    handlers = server.mcp_server.request_handlers
    answer = handlers[types.CallToolRequest]

    async def structured(request: types.CallToolRequest) -> types.ServerResult:
        answered: types.ServerResult = await answer(request)
        result = answered.root
        if isinstance(result, types.CallToolResult) and not result.isError:
            first = result.content[0]
            value = json.loads(first.text) if isinstance(first, types.TextContent) else None
            # It has to be an object.
            result.structuredContent = value if isinstance(value, dict) else {"result": value}
        return answered

    handlers[types.CallToolRequest] = structured


def sign_in(page: gr.Blocks, settings: Settings) -> None:
    """Have the tools of a page reach its endpoints, which stand behind the sign-in too.

    Args:
        page: mounted with an MCP server.
        settings: host, port and password.
    """
    if settings.password is None:
        return
    host = _ANY.get(settings.host, settings.host)
    address = (
        f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    )
    name, _, word = settings.password.partition(":")
    known: list[Any] = []

    def client() -> Any:
        # Here, since it asks the server, which has to run.
        from gradio_client import Client

        if not known:
            known.append(
                Client(
                    address,
                    download_files=False,
                    verbose=False,
                    analytics_enabled=False,
                    _skip_components=False,
                    headers={"x-gradio-user": "mcp"},
                    httpx_kwargs={"auth": (name, word)},
                )
            )
        return known[0]

    vars(page.mcp_server_obj)["_get_or_create_client"] = client
