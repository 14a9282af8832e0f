#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Queries on data whose keys are texts, against MariaDB in one run: a blog with CHAR(36) keys, tags, comments and followers, attributes of things as rows,
measurements by a key of three columns, sessions by token. As queries.py in everything else, its options included.

  texts.py --quelld PATH [--rounds N] [--budget S] [--cap N] [--explain] [--only quell] [--fresh] [--list] [--json FILE] [NAME ...]
"""
import datetime
import pathlib
import random
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import queries as running  # noqa: E402
import sides  # noqa: E402
from query_list import Query  # noqa: E402

START = datetime.datetime(2022, 1, 1)
CREATE = [
    "CREATE TABLE users (id CHAR(36) NOT NULL PRIMARY KEY, login VARCHAR(50) NOT NULL, email VARCHAR(100) NOT NULL, role VARCHAR(20) NOT NULL, active TINYINT NOT NULL, created DATETIME NOT NULL, bio TEXT, UNIQUE KEY (login), UNIQUE KEY (email), KEY (role, created), KEY (active, created))",
    "CREATE TABLE posts (id CHAR(36) NOT NULL PRIMARY KEY, user_id CHAR(36) NOT NULL, title VARCHAR(200) NOT NULL, body TEXT NOT NULL, state VARCHAR(12) NOT NULL, views INT NOT NULL, published DATETIME, created DATETIME NOT NULL, KEY (user_id, created), KEY (state, published), KEY (published), KEY title (title(20)))",
    "CREATE TABLE tags (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL, UNIQUE KEY (name))",
    "CREATE TABLE post_tags (post_id CHAR(36) NOT NULL, tag_id INT NOT NULL, PRIMARY KEY (post_id, tag_id), KEY (tag_id))",
    "CREATE TABLE comments (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, post_id CHAR(36) NOT NULL, user_id CHAR(36) NOT NULL, body VARCHAR(500) NOT NULL, created DATETIME NOT NULL, deleted DATETIME, KEY (post_id, created), KEY (user_id), KEY (deleted))",
    "CREATE TABLE logs (device INT NOT NULL, ts DATETIME NOT NULL, metric VARCHAR(20) NOT NULL, value DOUBLE NOT NULL, PRIMARY KEY (device, metric, ts), KEY (ts))",
    "CREATE TABLE attrs (entity INT NOT NULL, name VARCHAR(30) NOT NULL, value VARCHAR(100), PRIMARY KEY (entity, name), KEY (name, value))",
    "CREATE TABLE follows (follower CHAR(36) NOT NULL, followed CHAR(36) NOT NULL, since DATETIME NOT NULL, PRIMARY KEY (follower, followed), KEY (followed))",
    "CREATE TABLE sessions (token VARCHAR(64) NOT NULL, user_id CHAR(36) NOT NULL, expires DATETIME NOT NULL, data BLOB, PRIMARY KEY (token), KEY (user_id), KEY (expires))",
]


class Maker:
    """The rows of all tables as files that LOAD DATA reads: {table: path}."""
    USERS, POSTS, COMMENTS = 50_000, 150_000, 400_000

    def __init__(self, folder):
        self.r, self.folder, self.files = random.Random(7), folder, {}
        self.words = ["".join(self.r.choices("etaoinshrdlu", k=self.r.randint(3, 9))) for _ in range(3000)]

    def key(self):
        return str(uuid.UUID(int=self.r.getrandbits(128), version=4))

    def when(self):
        return START + datetime.timedelta(seconds=self.r.randrange(3 * 365 * 86400))

    def text(self, low, high):
        return " ".join(self.r.choices(self.words, k=self.r.randint(low, high)))

    def some(self, keys, power):
        """The first ones more often."""
        return keys[int(len(keys) * self.r.random() ** power)]

    def put(self, table, rows):
        self.files[table] = self.folder / table
        with open(self.files[table], "w") as f:
            f.writelines("\t".join("\\N" if v is None else str(v) for v in row) + "\n" for row in rows)

    def make(self):
        r, users, posts = self.r, [self.key() for _ in range(self.USERS)], [self.key() for _ in range(self.POSTS)]
        self.put("users", [(u, f"u{i}_{self.words[i % 3000]}", f"{self.words[i % 3000]}{i}@example.org", r.choice(["reader"] * 90 + ["author"] * 9 + ["admin"]), int(r.random() < 0.8), self.when(),
                            self.text(5, 30)) for i, u in enumerate(users)])
        self.put("posts", [(p, self.some(users, 2), self.text(3, 9).capitalize(), self.text(20, 80), r.choice(["published"] * 85 + ["draft"] * 12 + ["banned"] * 3), int(10000 * r.random() ** 4),
                            self.when(), self.when()) for p in posts])
        self.put("tags", [(i + 1, f"{self.words[i]}{i}") for i in range(1000)])
        self.put("post_tags", sorted({(p, int(1000 * r.random() ** 2) + 1) for p in posts for _ in range(r.randint(0, 4))}))
        self.put("comments", [(i + 1, self.some(posts, 2), self.some(users, 1.5), self.text(3, 25), self.when(), self.when() if r.random() < 0.02 else None) for i in range(self.COMMENTS)])
        self.put("logs", [(d, START + datetime.timedelta(minutes=30 * k), m, round(r.random() * 100, 3)) for d in range(1, 101) for m in ("cpu", "mem", "disk", "net", "temp") for k in range(1000)])
        self.put("attrs", [(e, n, f"{n}-{int(50 * r.random() ** 2)}") for e in range(1, 40001) for n in ("color", "size", "weight", "brand", "origin", "material", "rating", "year")
                           if r.random() < 0.8])
        pairs = sorted({(a, b) for a, b in ((self.some(users, 1.5), self.some(users, 2.5)) for _ in range(220_000)) if a != b})
        self.put("follows", [(a, b, self.when()) for a, b in pairs])
        self.put("sessions", [(f"{r.getrandbits(256):064x}", r.choice(users), self.when(), None) for _ in range(50_000)])
        return self.files


def queries():
    out = []

    def q(name, sql, compare=None, change=False):
        out.append(Query(name, sql, compare or ("exact" if "ORDER BY" in sql.rsplit(")", 1)[-1] else "sorted"), change))
    q("login", "SELECT id, login FROM users WHERE login = 'u777_x' OR email LIKE '%777@example.org'")
    q("home", "SELECT p.id, p.title, u.login FROM posts p JOIN users u ON u.id = p.user_id WHERE p.state = 'published' ORDER BY p.published DESC, p.id DESC LIMIT 20")
    q("home-page-10", "SELECT p.id, p.title, u.login FROM posts p JOIN users u ON u.id = p.user_id WHERE p.state = 'published' ORDER BY p.published DESC, p.id DESC LIMIT 20 OFFSET 2000")
    q("home-counts", "SELECT p.id, p.title, (SELECT COUNT(*) FROM comments c WHERE c.post_id = p.id AND c.deleted IS NULL) n FROM posts p WHERE p.state = 'published' ORDER BY p.published DESC, p.id DESC LIMIT 20")
    q("tag-page", "SELECT p.id, p.title FROM posts p JOIN post_tags pt ON pt.post_id = p.id JOIN tags t ON t.id = pt.tag_id WHERE t.name = (SELECT name FROM tags WHERE id = 500) AND p.state = 'published' ORDER BY p.published DESC, p.id LIMIT 20")
    q("tag-popular", "SELECT t.name, COUNT(*) n FROM tags t JOIN post_tags pt ON pt.tag_id = t.id GROUP BY t.id, t.name ORDER BY n DESC, t.name LIMIT 20")
    q("two-tags", "SELECT post_id FROM post_tags WHERE tag_id IN (3, 5) GROUP BY post_id HAVING COUNT(*) = 2 ORDER BY post_id")
    q("tags-exists", "SELECT COUNT(*) FROM posts p WHERE EXISTS (SELECT 1 FROM post_tags pt WHERE pt.post_id = p.id AND pt.tag_id = 7) AND NOT EXISTS (SELECT 1 FROM post_tags pt WHERE pt.post_id = p.id AND pt.tag_id = 8)")
    q("untagged", "SELECT COUNT(*) FROM posts p LEFT JOIN post_tags pt ON pt.post_id = p.id WHERE pt.post_id IS NULL")
    q("top-authors", "SELECT u.login, COUNT(*) n, SUM(p.views) v FROM users u JOIN posts p ON p.user_id = u.id GROUP BY u.id, u.login ORDER BY v DESC, u.login LIMIT 10")
    q("admin-posts", "SELECT COUNT(*) FROM posts p JOIN users u ON u.id = p.user_id WHERE u.role = 'admin'")
    q("comments-of-post", "SELECT c.id, u.login, c.body FROM comments c JOIN users u ON u.id = c.user_id WHERE c.post_id = (SELECT MIN(id) FROM posts) ORDER BY c.created, c.id")
    q("recent-comments", "SELECT c.id, p.title, u.login FROM comments c JOIN posts p ON p.id = c.post_id JOIN users u ON u.id = c.user_id WHERE c.deleted IS NULL ORDER BY c.id DESC LIMIT 10")
    q("commenters", "SELECT u.login, COUNT(*) n FROM comments c JOIN users u ON u.id = c.user_id GROUP BY u.id, u.login ORDER BY n DESC, u.login LIMIT 10")
    q("most-commented", "SELECT p.title, x.n FROM posts p JOIN (SELECT post_id, COUNT(*) n FROM comments WHERE deleted IS NULL GROUP BY post_id ORDER BY n DESC, post_id LIMIT 10) x ON x.post_id = p.id ORDER BY x.n DESC, p.id")
    q("deleted", "SELECT COUNT(*) FROM comments WHERE deleted IS NOT NULL")
    q("deleted-range", "SELECT id FROM comments WHERE deleted BETWEEN '2023-01-01' AND '2023-01-10' ORDER BY id")
    q("active-new", "SELECT login FROM users WHERE active = 1 AND created >= '2024-12-01' ORDER BY created DESC, id LIMIT 50")
    q("role-count", "SELECT role, active, COUNT(*) FROM users GROUP BY role, active ORDER BY role, active")
    q("state-month", "SELECT state, DATE_FORMAT(published, '%Y-%m') m, COUNT(*) FROM posts GROUP BY state, m ORDER BY state, m")
    q("title-prefix", "SELECT id, title FROM posts WHERE title LIKE 'Sea%' ORDER BY title, id LIMIT 50")
    q("title-like", "SELECT COUNT(*) FROM posts WHERE title LIKE '%sea%'")
    q("body-like", "SELECT COUNT(*) FROM posts WHERE body LIKE '%tea tea%'")
    q("feed", "SELECT p.id, p.title FROM follows f JOIN posts p ON p.user_id = f.followed WHERE f.follower = (SELECT MIN(follower) FROM follows) AND p.state = 'published' ORDER BY p.published DESC, p.id LIMIT 20")
    q("followers-top", "SELECT followed, COUNT(*) n FROM follows GROUP BY followed ORDER BY n DESC, followed LIMIT 10")
    q("mutual", "SELECT COUNT(*) FROM follows a JOIN follows b ON b.follower = a.followed AND b.followed = a.follower")
    q("fof", "SELECT DISTINCT b.followed FROM follows a JOIN follows b ON b.follower = a.followed WHERE a.follower = (SELECT MIN(follower) FROM follows) ORDER BY b.followed LIMIT 20")
    q("not-followed-back", "SELECT COUNT(*) FROM follows a WHERE NOT EXISTS (SELECT 1 FROM follows b WHERE b.follower = a.followed AND b.followed = a.follower)")
    q("log-last", "SELECT device, metric, MAX(ts) FROM logs GROUP BY device, metric ORDER BY device, metric")
    q("log-last-value", "SELECT l.device, l.metric, l.value FROM logs l JOIN (SELECT device, metric, MAX(ts) ts FROM logs GROUP BY device, metric) m ON m.device = l.device AND m.metric = l.metric AND m.ts = l.ts ORDER BY l.device, l.metric")
    q("log-range", "SELECT ts, value FROM logs WHERE device = 17 AND metric = 'cpu' AND ts BETWEEN '2022-01-05' AND '2022-01-10' ORDER BY ts")
    q("log-range-no-metric", "SELECT metric, AVG(value) FROM logs WHERE device = 17 AND ts BETWEEN '2022-01-05' AND '2022-01-06' GROUP BY metric ORDER BY metric")
    q("log-hour", "SELECT HOUR(ts) h, AVG(value) FROM logs WHERE metric = 'cpu' GROUP BY h ORDER BY h")
    q("log-day-all", "SELECT DATE(ts) d, metric, MIN(value), MAX(value), AVG(value) FROM logs GROUP BY d, metric ORDER BY d, metric LIMIT 20")
    q("log-ts", "SELECT COUNT(*) FROM logs WHERE ts >= '2022-01-20' AND value > 99")
    q("log-desc", "SELECT ts, value FROM logs WHERE device = 55 AND metric = 'net' ORDER BY ts DESC LIMIT 10")
    q("eav-one", "SELECT a.entity FROM attrs a JOIN attrs b ON b.entity = a.entity WHERE a.name = 'color' AND a.value = 'color-40' AND b.name = 'size' AND b.value = 'size-30' ORDER BY a.entity")
    q("eav-pivot", "SELECT entity, MAX(CASE WHEN name = 'color' THEN value END) color, MAX(CASE WHEN name = 'size' THEN value END) size FROM attrs WHERE entity BETWEEN 100 AND 200 GROUP BY entity ORDER BY entity")
    q("eav-pivot-all", "SELECT COUNT(*) FROM (SELECT entity, MAX(IF(name = 'color', value, NULL)) color, MAX(IF(name = 'year', value, NULL)) y FROM attrs GROUP BY entity) t WHERE color = 'color-3' AND y = 'year-4'")
    q("eav-left", "SELECT e.entity, c.value, s.value FROM (SELECT DISTINCT entity FROM attrs WHERE entity < 50) e LEFT JOIN attrs c ON c.entity = e.entity AND c.name = 'color' LEFT JOIN attrs s ON s.entity = e.entity AND s.name = 'size' ORDER BY e.entity")
    q("eav-facet", "SELECT name, value, COUNT(*) FROM attrs GROUP BY name, value ORDER BY name, value LIMIT 40")
    q("eav-facet-cond", "SELECT b.name, b.value, COUNT(*) n FROM attrs a JOIN attrs b ON b.entity = a.entity WHERE a.name = 'brand' AND a.value = 'brand-7' GROUP BY b.name, b.value ORDER BY n DESC, b.name, b.value LIMIT 20")
    q("session", "SELECT u.login, s.expires FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token = (SELECT MAX(token) FROM sessions)")
    q("expired", "SELECT COUNT(*) FROM sessions WHERE expires < '2022-06-01'")
    q("users-without-session", "SELECT COUNT(*) FROM users u WHERE u.id NOT IN (SELECT user_id FROM sessions)")
    q("users-in", "SELECT COUNT(*) FROM users WHERE id IN (SELECT user_id FROM posts WHERE views > 9000)")
    q("users-text-join3", "SELECT u.role, COUNT(*), COUNT(DISTINCT c.post_id) FROM users u JOIN comments c ON c.user_id = u.id JOIN posts p ON p.id = c.post_id WHERE p.state = 'banned' GROUP BY u.role ORDER BY u.role")
    q("order-title", "SELECT id, title FROM posts ORDER BY title, id LIMIT 20")
    q("distinct-title", "SELECT COUNT(DISTINCT title) FROM posts")
    q("group-user", "SELECT user_id, COUNT(*) FROM posts GROUP BY user_id ORDER BY user_id LIMIT 20")
    q("between-created", "SELECT COUNT(*), SUM(views) FROM posts WHERE created BETWEEN '2023-01-01' AND '2023-02-01'")
    q("pk-in", "SELECT id, title FROM posts WHERE id IN (SELECT id FROM (SELECT id FROM posts ORDER BY id LIMIT 100 OFFSET 5000) x) ORDER BY id")
    q("union-activity", "(SELECT 'post' k, created FROM posts WHERE user_id = (SELECT MIN(id) FROM users)) UNION ALL (SELECT 'comment', created FROM comments WHERE user_id = (SELECT MIN(id) FROM users)) ORDER BY created DESC LIMIT 20")
    q("update-views", "UPDATE posts SET views = views + 1 WHERE state = 'draft'", change=True)
    q("update-state", "UPDATE posts SET state = 'draft' WHERE published < '2022-03-01'", change=True)
    q("delete-join", "DELETE c FROM comments c JOIN posts p ON p.id = c.post_id WHERE p.state = 'banned'", change=True)
    q("delete-sessions", "DELETE FROM sessions WHERE expires < '2022-06-01'", change=True)
    q("insert-tags", "INSERT IGNORE INTO post_tags SELECT id, 1 FROM posts WHERE views > 3000", change=True)
    q("soft-delete", "UPDATE comments SET deleted = NOW() WHERE user_id IN (SELECT id FROM users WHERE active = 0 AND created < '2022-02-01')", change=True)
    return out


def main():
    a = running.arguments(__doc__)
    chosen = running.chosen(queries(), a.names)
    if a.list:
        for q in chosen:
            print(f"{q.name}: {q.sql}")
        return
    files = {}

    def load(server, folder):
        if not files:
            files.update(Maker(folder).make())
        sides.load_tables(server, "bench", CREATE, files)

    def analyze(server):
        for name, _ in sides.table_statements(CREATE):
            server.query(f"ANALYZE TABLE bench.{name}")
    with sides.servers(a.quelld, "texts", [__file__], load, analyze, a.only, a.fresh) as started:
        running.run(a, chosen, "bench", started)


if __name__ == "__main__":
    main()
