# SPDX-License-Identifier: Apache-2.0
"""A session that runs a statement and waits to be killed, as a PyMySQL client sees it."""
import threading

import pymysql
import quell


class Victim:
    """A connection that runs a statement in a thread; .error is what its client saw (None = success)."""

    def __init__(self, server, text="SELECT SLEEP(1000)", **kw):
        self.conn = server.connect(**kw)
        self.id = self.conn.thread_id()
        self.text, self.error, self.rows = text, None, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        running = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE ID={self.id} AND COMMAND='Query'"
        quell.until(lambda: server.query(running), what="the victim running")

    def run(self):
        try:
            with self.conn.cursor() as cur:
                cur.execute(self.text)
                self.rows = cur.fetchall()
        except pymysql.MySQLError as e:
            self.error = e.args[0]

    def join(self):
        self.thread.join(30)
        assert not self.thread.is_alive(), "the victim did not stop"
        return self.error
