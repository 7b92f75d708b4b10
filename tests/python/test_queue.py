"""What an iterator keeps that nobody advances."""

import threading

from conftest import LIMIT

from interrex import Event, Version
from interrex._queue import EventQueue


def numbered(queue):
    taken = []
    while (event := queue.take()) is not None:
        taken.append(event)
    return taken


def test_in_the_order_of_putting():
    queue = EventQueue()
    put = [Event("message", data=n) if n % 3 else Event("role") for n in range(30)]
    for event in put:
        queue.put(event, 10 if event.kind == "message" else 0)
    assert [id(event) for event in numbered(queue)] == [id(event) for event in put]
    assert queue.take() is None


def test_a_flood_of_messages_costs_no_transition():
    queue = EventQueue()
    queue.put(Event("elected"), 0)
    for n in range(5000):
        queue.put(Event("message", data=n), 1)
    queue.put(Event("defeated"), 0)
    taken = numbered(queue)
    assert taken[0].kind == "elected"
    assert [event.data for event in taken[1:-1]] == list(range(5000 - 1024, 5000))
    assert taken[-1].kind == "defeated"


def test_messages_are_kept_up_to_8_mib():
    queue = EventQueue()
    for n in range(200):
        queue.put(Event("value", value=n, version=Version(1, n)), 65536)
    assert [event.value for event in numbered(queue)] == list(range(200 - 128, 200))
    for n in range(200):  # and again, when they were taken
        queue.put(Event("message", data=n), 65536)
    assert len(numbered(queue)) == 128


def test_other_events_are_kept_up_to_1024():
    queue = EventQueue()
    for _ in range(2000):
        queue.put(Event("role"), 0)
    queue.put(Event("stopped"), 0)
    assert len(numbered(queue)) == 1024
    assert queue.ended


def test_taken_by_one_thread_while_another_puts():
    queue = EventQueue()
    taken = []

    def take():
        while not taken or taken[-1].data != 20000:
            event = queue.take()
            if event is not None:
                taken.append(event)

    taker = threading.Thread(target=take)
    taker.start()
    for n in range(20001):
        queue.put(Event("message", data=n), 30000)
    taker.join(LIMIT)
    assert not taker.is_alive()
    numbers = [event.data for event in taken]
    assert numbers == sorted(set(numbers))
    assert queue._bytes_waiting() == 0
