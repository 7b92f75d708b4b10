"""Mistakes that a type checker finds; each line that ends in ``error`` is one."""

from interrex import Election, schema

Election()  # error
Election("x", url=None)  # error
Election("x", heartbaet=0.3)  # error
Election("x", heartbeat="0.3")  # error
Election("x", takeover="quick")  # error
Election("x", profile="slow")  # error
Election("x", protocol="raft")  # error
Election("x", create_table="no")  # error
schema(schema=7)  # error
schema(name_space="x")  # error
election = Election("x")
election.is_leader(1, 2)  # error
election.lead(tiemout=1)  # error
election.transfer(7)  # error
print(election.role == "master")  # error
election.run(lambda: 1)  # error
election.send(7, "x")  # error
election.send("all")  # error
election.publish("x", 1, 2)  # error
election.value = 1  # error
election.meta = 1  # error
print(election.publish("x") == 1)  # error


@election.leader_only()
def job(number: int) -> None:
    print(number)


job("one")  # error
