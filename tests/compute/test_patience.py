"""The time that a calculation may take: counted where it runs, asked for at each step."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from compute.network import analyze, read
from compute.network.code import network_code
from compute.network.graph import Network
from compute.network.memory import training_memory
from compute.network.overview import overview
from compute.network.patience import Abandoned, TookTooLong, check, within
from compute.network.placement import place
from compute.network.policy import Policy
from compute.network.whatif import what_if


def conv(name: str, channels: int) -> dict[str, Any]:
    return {"kind": "Conv2d", "name": name, "out_channels": channels, "kernel_size": 1, "inputs": ["input"]}


def concat(name: str, *inputs: str) -> dict[str, Any]:
    return {"kind": "Concat", "name": name, "inputs": list(inputs)}


def chain(length: int) -> Network:
    """Every v is tied to the v before it and one u: what the last is tied to takes `length` steps to find."""
    layers = [conv(f"u{i}", 4) for i in range(length)]
    layers += [conv(f"v{i}", 4 * (i + 1)) for i in range(length)]
    for i in range(length - 1, 0, -1):
        layers += [
            concat(f"k{i}", f"v{i - 1}", f"u{i}"),
            {"kind": "Add", "name": f"a{i}", "inputs": [f"v{i}", f"k{i}"]},
        ]
    return read({"layers": layers})


def spin() -> None:
    while True:
        check()


def test_outside_nothing_is_limited() -> None:
    check()
    with within(0.0):
        pass
    check()


def test_the_seconds_are_those_of_the_thread() -> None:
    with within(0.05):
        time.sleep(0.1)
        check()
        with pytest.raises(TookTooLong) as caught:
            spin()
    assert str(caught.value) == (
        "a calculation may take at most 0.05 s, and this one is not done;"
        " use fewer layers, fewer inputs of a layer, fewer devices or fewer series"
    )


def test_whoever_waits_may_leave() -> None:
    leaves = iter((False, False, True))
    with within(60, lambda: next(leaves)):
        check()
        check()
        with pytest.raises(Abandoned):
            check()


@pytest.mark.parametrize(
    "work",
    [
        analyze,
        network_code,
        training_memory,
        place,
        lambda network: overview(network, {"scope": "all"}),
        lambda network: what_if(network, Policy("uniform", 2, scope="all"), "params"),
        lambda network: what_if(network, hold="macs", edits={"v3": {"out_channels": 32}}),
    ],
)
def test_every_answer_can_be_given_up(work: Callable[[Network], Any]) -> None:
    network = chain(4)
    with within(0.0), pytest.raises(TookTooLong):
        work(network)


def test_a_policy_is_not_called_illegal_for_want_of_time() -> None:
    """overview() answers a line for what is wrong with the network alone."""
    network = chain(60)
    overview(network, hold="channels")
    with within(0.02), pytest.raises(TookTooLong):
        overview(network, {"scope": "all"}, "params")


def test_adding_a_tensor_twice_fetches_it_once() -> None:
    layers = [conv("a", 4), conv("b", 2), concat("c", "b", "b"), {"kind": "Add", "name": "s", "inputs": ["a", "c"]}]
    again = [*layers[:3], {"kind": "Add", "name": "s", "inputs": ["a", "c", "c", "a", "c"]}]
    once, often = (place(read({"input_shape": [3, 5, 5], "layers": entries})) for entries in (layers, again))
    assert (
        once["crossings"]
        == often["crossings"]
        == [{"layer": "s", "elements": 2 * 25, "why": "the summands lie on different devices"}]
    )
