"""What the page does with recordings; knows nothing of Gradio."""

from __future__ import annotations

import asyncio
import html
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from webui.audio.report import CHANNEL_CHOICES, ChannelChoice
from webui.engine import Job
from webui.errors import (
    AudioError,
    ChannelMissingError,
    HistoryError,
    JobCancelledError,
    OptionsError,
    StudioError,
)
from webui.history import Run
from webui.ui import comparison, views
from webui.ui.i18n import Texts
from webui.ui.past import recording_of
from webui.ui.studio import Studio
from webui.ui.workspace import Recording
from webui.vad.options import VadOptions, option_info, option_names

Kept: TypeAlias = Mapping[str, Any] | None
"""Options of A by name, None if nothing is kept."""

_POLL_S = 0.15
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Update:
    """What an event changes on the page; None leaves as it is.

    Attributes:
        status: value of the component "status".
        is_running: whether there is something to stop.
        result_id: of the recording that is shown.
        repeatable: origin and name of what the button below the sources detects again.
    """

    status: str | None = None
    is_running: bool | None = None
    result_id: str | None = None
    repeatable: tuple[str, str] | None = None


@dataclass(frozen=True)
class Opened:
    """What the page's address names.

    Attributes:
        result_id: "" if it names no result, or one that is forgotten.
        options: those of the address; None if it has none and names no result.
        status: None leaves as it is.
        channel: that the result was made of, or the address asks for; None leaves as it is.
        kept: options of A by name, None if the address has none.
    """

    result_id: str
    options: VadOptions | None
    status: str | None = None
    channel: ChannelChoice | None = None
    kept: Kept = None


class Detection:
    """What the events of this tab do.

    Args:
        studio: what all sessions share.
        texts: the page's language.
        root: relative address of the server's root.
    """

    def __init__(self, studio: Studio, texts: Texts, root: str) -> None:
        self._studio = studio
        self._texts = texts
        self._view = views.ResultView(texts, root)

    def recording(self, origin: str, name: str) -> Recording | None:
        """Find what a visitor picked; it has to be told when it is `Recording.done`.

        Args:
            origin: "upload", "demo", "run" (one of the history) or "result" (the one shown).
            name: its id.
        """
        if origin == "upload":
            return self._studio.workspace.take(name)
        if origin == "demo" and name in self._studio.demos:
            return Recording(self._studio.demos[name])
        if origin == "run":
            run = self._run(name)
            return recording_of(run, self._studio) if run else None
        entry = self._studio.cache.get(name) if origin == "result" else None
        return entry.recording if entry and entry.recording.use() else None

    def _run(self, name: str) -> Run | None:
        """The run of this number in the history; None if it is forgotten."""
        try:
            return self._studio.runs.history.get(int(name)) if name.isdecimal() else None
        except HistoryError as error:
            _log.warning("%s", error)
            return None

    def channel_of(self, origin: str, name: str, chosen: ChannelChoice) -> ChannelChoice:
        """Return what is taken of the channels: what is chosen, or what a run took.

        Args:
            origin: as in `recording`.
            name: as in `recording`.
            chosen: on the page.
        """
        run = self._run(name) if origin == "run" else None
        return next((each for each in CHANNEL_CHOICES if run and each == run.channel), chosen)

    async def detect(
        self, session: str, origin: str, name: str, channel: ChannelChoice, engine: str
    ) -> AsyncIterator[Update]:
        """Score a recording and tell how far it is; closing the iterator stops the job.

        Args:
            session: of the browser.
            origin: as in `recording`.
            name: as in `recording`.
            channel: "mix", "left", "right" or "each".
            engine: "auto" or the name of one.
        """
        recording = self.recording(origin, name)
        if recording is None:
            is_known = origin == "result" and self._studio.cache.get(name) is not None
            key = "result.recording_gone" if is_known else "result.forgotten"
            yield Update(views.notice(self._texts(key)), False)
            return
        try:
            job = self._studio.engine.submit(
                recording.path, channel=channel, engine=engine, owner=session
            )
            with self._studio.jobs.running(session, job):
                async for status in self._follow(job, recording.name):
                    yield Update(status, True)
                if not self._studio.jobs.is_current(session, job):
                    return
                tracks = job.result()
            # A result that was forgotten meanwhile comes back: its file is in use, so still there.
            if not (origin == "result" and self._studio.cache.renew(name, tracks)):
                name = self._studio.cache.put(recording, tracks)
            self._studio.workspace.forget(session)
            self._studio.runs.expect(name)
            yield Update(views.idle(), False, name, ("result", name))
        except StudioError as error:
            is_hopeless = isinstance(error, AudioError) and not isinstance(
                error, ChannelMissingError
            )
            if origin == "upload" and not is_hopeless:
                self._studio.workspace.put_back(recording, session)
            told = (
                views.notice(error.message(self._texts.language))
                if isinstance(error, JobCancelledError)
                else views.problem(error, self._texts)
            )
            yield Update(told, False, None, None if is_hopeless else (origin, name))
        finally:
            recording.done()

    async def _follow(self, job: Job, name: str) -> AsyncIterator[str]:
        shown = ""
        while not job.wait(0):
            status = views.progress(job.progress, name, self._texts)
            if status != shown:
                shown = status
                yield status
            await asyncio.sleep(_POLL_S)

    def stop(self, session: str) -> None:
        """Stop the job of a browser's session."""
        self._studio.jobs.stop(session)

    def leave(self, session: str) -> None:
        """Stop the job of a session that ended, and delete what it could have repeated."""
        self._studio.jobs.leave(session)
        self._studio.workspace.forget(session)

    def show(
        self, result_id: str, values: Sequence[Any], kept: Kept = None
    ) -> tuple[str | None, str]:
        """Decide anew with these options; takes neither the model nor the recording.

        Args:
            result_id: "" if nothing is shown.
            values: of the options, in the order of `option_names`.
            kept: options of A, to be compared with these.

        Returns:
            Value of the component "result" (None leaves it as it is), and a message
            about the options in HTML.
        """
        number = views.ticket()
        try:
            options = VadOptions.from_mapping(dict(zip(option_names(), values, strict=True)))
        except OptionsError as error:
            return None, note_html(self._labelled(error), is_error=True)
        entry = self._studio.cache.get(result_id) if result_id else None
        if entry is None:
            missing = self._texts("result.forgotten") if result_id else ""
            return None, note_html(missing, is_error=True)
        self._studio.runs.shown(result_id, entry, options)
        a = comparison.parse(kept)
        return self._view.show(result_id, entry, options, number, a), ""

    def _labelled(self, error: OptionsError) -> str:
        """The error's message with the options called as the page calls them."""

        def label(match: re.Match[str]) -> str:
            return option_info(match[0]).label[self._texts.language]

        names = "|".join(option_names())
        return re.sub(
            rf"(?<![A-Za-z_])({names})(?![A-Za-z_])", label, error.message(self._texts.language)
        )

    def open(self, query: str) -> Opened:
        """Find the result that the page's address names, and the settings that it carries.

        Args:
            query: of the address, such as "?r=abc&max_end_silence_time=500".
        """
        given = dict(parse_qsl(query.lstrip("?")))
        result_id = given.get(views.RESULT_KEY, "")
        entry = self._studio.cache.get(result_id) if result_id else None
        status = None
        if result_id and entry is None:
            result_id, status = "", views.notice(self._texts("result.forgotten"))
        named = {name: value for name, value in given.items() if name in option_names()}
        options = VadOptions() if named or entry else None
        kept: Kept = None
        try:
            if named:
                options = VadOptions.from_mapping(named)
            if views.KEPT_KEY in given:
                kept = comparison.read(given[views.KEPT_KEY]).as_dict()
        except OptionsError as error:
            status = status or views.notice(error.message(self._texts.language))
        channel = given.get(views.CHANNEL_KEY)
        asked = next((choice for choice in CHANNEL_CHOICES if choice == channel), None)
        return Opened(result_id, options, status, entry.channel if entry else asked, kept)


def note_html(text: str, *, is_error: bool = False) -> str:
    """Return a line under the controls as HTML, "" for no text."""
    name = "vad-note is-error" if is_error else "vad-note"
    return f'<p class="{name}" role="status">{html.escape(text)}</p>' if text else ""
