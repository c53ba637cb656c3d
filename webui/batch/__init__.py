"""Many recordings: which they are, what is done with each, and what is written of it.

::

    inputs    files, folders and lists -> sources
    naming    sources -> where the results of each go, no two to one place
    order     what is done with every recording, and how that is told apart from other orders
    store     the output directory: results appear whole, a journal remembers them
    plan      sources, order and store -> what is left to do
    work      one task -> results as bytes; needs no store, so it runs anywhere
    local     tasks on processes of this machine (loky)
    cluster   tasks on a Dask cluster
    run       a plan, something that executes tasks, and the store: the whole batch
    noted     the batch in the history

Executors return results as bytes and never write; whoever runs the batch writes. So a worker
that dies, on this machine or another, leaves nothing behind.
"""
