"""Many files on the page: batches that go on without it, and are found again by their address.

::

    row       one file of a batch, and how it stands
    batch     one batch: its rows, what arrives, what is kept of it
    execute   scores its files through the page's engine, in turn with all visitors
    batches   all batches: begun, bounded, forgotten
    view      a batch as the page shows it
    sound     the cut audio of a whole batch, for a process
    desk      the routes

What is written, and how it is named, is `webui.batch`'s, as on the command line.
"""
