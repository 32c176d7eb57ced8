"""Ways to a Dask cluster: one that runs already, or workers that a batch system starts for us."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

import distributed

from afp_hw.explore.batch import Batch
from afp_hw.explore.cluster_executor import ClusterExecutor

_CONNECT_S: Final = 5
_SCHEMES: Final = ("tcp", "tls", "ws", "wss")


def connect(scheduler_address: str) -> ClusterExecutor:
    """The cluster of a scheduler that runs.

    Parameters
    ----------
    scheduler_address
        ``tcp://host:port``, ``tls://`` where Dask's configuration file names certificates.

    Raises
    ------
    ValueError
        Nothing answers there, or something else.
    """
    _quiet()
    try:
        # Asked before a client is made: one that fails to connect takes its time to close.
        _check_port(scheduler_address)
        kind = asyncio.run(asyncio.wait_for(_kind_of_server(scheduler_address), _CONNECT_S))
        if kind != "Scheduler":
            raise ValueError(f"a Dask {kind} answers")
        client = distributed.Client(
            scheduler_address, timeout=_CONNECT_S, set_as_default=False, name="afp-hw"
        )
    except Exception as error:  # whatever may listen there, and whatever it says
        raise ValueError(
            "--scheduler must be the address of a running Dask scheduler, not "
            f"{scheduler_address!r}: {_said(error)}"
        ) from error
    return ClusterExecutor(client, name=f"Dask at {scheduler_address}")


def _check_port(address: str) -> None:
    """That anything listens there: Dask would try again until its time is over."""
    scheme, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if scheme not in _SCHEMES or not host or not port.isdecimal():
        raise ValueError("it must read tcp://host:port")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()


async def _kind_of_server(address: str) -> str:
    certificates = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, connection_args=certificates) as server:
        return str((await server.identity())["type"])


def _said(error: Exception) -> str:
    """Its reason, in one line."""
    if isinstance(error, TimeoutError):
        return f"no answer in {_CONNECT_S} s"
    if isinstance(error, MemoryError):  # what came was taken for the length of a message
        return "another protocol is spoken there"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__


def start(kind: str, workers: int) -> ClusterExecutor:
    """Workers as jobs of a batch system.

    Parameters
    ----------
    kind
        ``slurm lsf pbs sge``.
    workers
        Batch jobs; each starts as many workers as it has cores.

    Raises
    ------
    ValueError
        The batch system is not here, its configuration is incomplete, or it refuses a job.
    """
    _quiet()
    batch = Batch(kind, workers)
    client = distributed.Client(batch.cluster, set_as_default=False, name="afp-hw")
    return ClusterExecutor(client, name=f"{workers} jobs of {kind}", batch=batch)


def _quiet() -> None:
    """Say nothing of lost workers: the sweep has its own words, and a progress bar."""
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
