"""The embedded broker: files that several processes share."""

import threading
from pathlib import Path

from celery import current_app
from django.conf import LazySettings
from kombu import Connection

from governance import file_transport

MESSAGES = 300


def connection(folder: Path) -> Connection:
    file_transport.register()
    options = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
    }
    return Connection("files://localhost", transport_options=options)


def test_a_reader_that_never_waits_sees_each_message_once_and_none_half_written(
    tmp_path: Path,
) -> None:
    def write() -> None:
        with connection(tmp_path) as writer, writer.SimpleQueue("work") as queue:
            for number in range(MESSAGES):
                queue.put({"number": number, "padding": "x" * 20_000})

    seen: list[int] = []
    thread = threading.Thread(target=write)
    with connection(tmp_path) as reader, reader.SimpleQueue("work") as queue:
        thread.start()
        while len(seen) < MESSAGES:
            try:
                message = queue.get(block=False)
            except queue.Empty:
                continue
            seen.append(message.payload["number"])
            message.ack()
        thread.join()

    assert seen == list(range(MESSAGES))


def test_tasks_of_every_thread_go_to_the_broker_of_the_settings(settings: LazySettings) -> None:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(current_app.conf.broker_url))
    thread.start()
    thread.join()

    assert found == [settings.CELERY_BROKER_URL]
