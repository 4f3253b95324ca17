"""Strike a deploy at every step of its plan, under load, and check from outside what became of it.

The steps come from the plan. A round ships a new commit, waits for the intent of its step in the host's journal and for
a random share of the step's usual time, and strikes. Then it runs one verb, once. It checks the outcome with its own
requests, ``docker`` on the host, the worker's heartbeats, the database and sshd's log. A round fails where

- a request failed, unless the strike took the host's engine, proxy or power away
- a release answered before it was proven healthy
- two workers were at work at once
- a game or a job was lost or doubled
- the shared services are not the same as before
- the lease is still held
- a secret stands outside the files of the env
- the verb did not bring its release live

Further rounds type each verb twice, or let a rollback stand still before it holds the lease (``typed_verbs.py``). They
also fail where the second typing does not exit 0 or changes anything, or where the late rollback does.

At rest, somebody kills, stops, pauses or removes containers of the live colour (``at_rest.py``), and the verb that
brought it live is typed again: it must start them, and leave alone what runs.
"""
