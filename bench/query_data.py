# SPDX-License-Identifier: Apache-2.0
"""The tables of `bench queries`: a shop (customers, orders, items, products and what belongs to them) and a star of facts with five dimensions.
Made deterministically; skewed where real data is: a few customers order most, nearly all orders are done, old orders differ from new ones."""
import datetime
import random

CREATE = [
    "CREATE TABLE countries (code CHAR(2) NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, region VARCHAR(20) NOT NULL, KEY region (region))",
    "CREATE TABLE customers (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, email VARCHAR(80) NOT NULL, country CHAR(2) NOT NULL, city VARCHAR(40) NOT NULL,"
    " status VARCHAR(10) NOT NULL, created DATE NOT NULL, credit DECIMAL(10,2) NOT NULL, referrer_id INT, UNIQUE KEY email (email), KEY name (name), KEY place (country, city),"
    " KEY created (created), KEY referrer (referrer_id), FOREIGN KEY (country) REFERENCES countries (code), FOREIGN KEY (referrer_id) REFERENCES customers (id))",
    "CREATE TABLE categories (id INT NOT NULL PRIMARY KEY, parent_id INT, name VARCHAR(40) NOT NULL, KEY parent (parent_id), FOREIGN KEY (parent_id) REFERENCES categories (id))",
    "CREATE TABLE suppliers (id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, country CHAR(2) NOT NULL, KEY country (country), FOREIGN KEY (country) REFERENCES countries (code))",
    "CREATE TABLE products (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, sku CHAR(12) NOT NULL, name VARCHAR(60) NOT NULL, category_id INT NOT NULL, supplier_id INT NOT NULL,"
    " price DECIMAL(10,2) NOT NULL, discontinued TINYINT NOT NULL, UNIQUE KEY sku (sku), KEY category (category_id), KEY supplier (supplier_id), KEY price (price),"
    " FOREIGN KEY (category_id) REFERENCES categories (id), FOREIGN KEY (supplier_id) REFERENCES suppliers (id))",
    "CREATE TABLE warehouses (id INT NOT NULL PRIMARY KEY, city VARCHAR(40) NOT NULL, country CHAR(2) NOT NULL, KEY country (country), FOREIGN KEY (country) REFERENCES countries (code))",
    "CREATE TABLE stock (product_id INT NOT NULL, warehouse_id INT NOT NULL, quantity INT NOT NULL, PRIMARY KEY (product_id, warehouse_id), KEY warehouse (warehouse_id),"
    " FOREIGN KEY (product_id) REFERENCES products (id), FOREIGN KEY (warehouse_id) REFERENCES warehouses (id))",
    "CREATE TABLE orders (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, cust_id INT NOT NULL, odate DATE NOT NULL, status VARCHAR(10) NOT NULL, amount DECIMAL(10,2) NOT NULL,"
    " channel TINYINT NOT NULL, note VARCHAR(100), KEY cust (cust_id), KEY odate (odate), KEY status (status, odate), KEY amount (amount),"
    " FOREIGN KEY (cust_id) REFERENCES customers (id))",
    "CREATE TABLE items (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, order_id INT NOT NULL, product_id INT NOT NULL, qty INT NOT NULL, price DECIMAL(10,2) NOT NULL,"
    " KEY ord (order_id), KEY product (product_id), FOREIGN KEY (order_id) REFERENCES orders (id), FOREIGN KEY (product_id) REFERENCES products (id))",
    "CREATE TABLE payments (id INT NOT NULL PRIMARY KEY, order_id INT NOT NULL, method VARCHAR(10) NOT NULL, paid DATETIME NOT NULL, amount DECIMAL(10,2) NOT NULL,"
    " KEY ord (order_id), KEY method (method, paid), FOREIGN KEY (order_id) REFERENCES orders (id))",
    "CREATE TABLE shipments (order_id INT NOT NULL PRIMARY KEY, warehouse_id INT NOT NULL, sent DATE NOT NULL, carrier VARCHAR(10) NOT NULL, KEY warehouse (warehouse_id), KEY sent (sent),"
    " FOREIGN KEY (order_id) REFERENCES orders (id), FOREIGN KEY (warehouse_id) REFERENCES warehouses (id))",
    "CREATE TABLE employees (id INT NOT NULL PRIMARY KEY, manager_id INT, name VARCHAR(40) NOT NULL, dept TINYINT NOT NULL, salary DECIMAL(10,2) NOT NULL, KEY manager (manager_id),"
    " KEY dept (dept, salary), FOREIGN KEY (manager_id) REFERENCES employees (id))",
    "CREATE TABLE events (id INT NOT NULL PRIMARY KEY, kind TINYINT NOT NULL, at DATETIME NOT NULL, cust_id INT NOT NULL, value INT, KEY kind (kind, at), KEY cust (cust_id, kind))",
    "CREATE TABLE d_date (id INT NOT NULL PRIMARY KEY, day DATE NOT NULL, month TINYINT NOT NULL, year SMALLINT NOT NULL, weekday TINYINT NOT NULL, UNIQUE KEY day (day), KEY ym (year, month))",
    "CREATE TABLE d_store (id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, city VARCHAR(40) NOT NULL, region VARCHAR(20) NOT NULL, UNIQUE KEY name (name), KEY region (region))",
    "CREATE TABLE d_item (id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, brand VARCHAR(20) NOT NULL, kind VARCHAR(20) NOT NULL, KEY brand (brand), KEY kind (kind))",
    "CREATE TABLE d_promo (id INT NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, kind VARCHAR(20) NOT NULL, KEY kind (kind))",
    "CREATE TABLE d_channel (id INT NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL, UNIQUE KEY name (name))",
    "CREATE TABLE facts (id INT NOT NULL PRIMARY KEY, date_id INT NOT NULL, store_id INT NOT NULL, item_id INT NOT NULL, promo_id INT NOT NULL, channel_id INT NOT NULL, qty INT NOT NULL,"
    " revenue DECIMAL(10,2) NOT NULL, KEY date_id (date_id), KEY store_id (store_id), KEY item_id (item_id), KEY promo_id (promo_id), KEY channel_id (channel_id),"
    " FOREIGN KEY (date_id) REFERENCES d_date (id), FOREIGN KEY (store_id) REFERENCES d_store (id), FOREIGN KEY (item_id) REFERENCES d_item (id),"
    " FOREIGN KEY (promo_id) REFERENCES d_promo (id), FOREIGN KEY (channel_id) REFERENCES d_channel (id))",
]
REGIONS = ["Europe", "Asia", "Africa", "North", "South"]
CODES = "DE FR GB US CN JP IN BR IT ES NL BE CH AT PL SE NO FI DK PT CZ GR HU IE TR KR VN TH EG ZA NG KE MA AR CL PE CO MX CA AU".split()
FIRST = datetime.date(2019, 1, 1)
DAYS = 2192  # to the end of 2024


def sizes(scale):
    n = {"customers": 200_000, "orders": 500_000, "items": 1_000_000, "products": 20_000, "facts": 500_000, "events": 300_000, "employees": 5_000, "d_item": 5_000, "suppliers": 500}
    n = {k: max(50, int(v * scale)) for k, v in n.items()}
    n.update(categories=200, warehouses=20, d_date=DAYS, d_store=200, d_promo=300, d_channel=8)
    return n


class Maker:
    def __init__(self, scale, folder):
        self.n, self.folder = sizes(scale), folder
        self.files = {}

    def random(self, table):
        return random.Random(f"quell {table}")

    def write(self, table, rows):
        path = self.folder / table
        with open(path, "w") as f:
            f.writelines("\t".join("\\N" if v is None else str(v) for v in r) + "\n" for r in rows)
        self.files[table] = path

    def word(self, r, low=6, high=10):
        return "".join(r.choices("etaoinshrdlucmfwygpbvkxjqz", range(26, 0, -1), k=r.randint(low, high)))

    def skewed(self, r, n, power=2.5):
        """1 .. n, the small ones far more often."""
        return int(n * r.random() ** power) + 1

    def day(self, i):
        return FIRST + datetime.timedelta(days=i)

    def make(self):
        for name in ("countries", "customers", "categories", "suppliers", "products", "warehouses", "stock", "orders", "items", "payments", "shipments", "employees", "events",
                     "d_date", "d_store", "d_item", "d_promo", "d_channel", "facts"):
            self.write(name, getattr(self, name)(self.random(name)))
        return self.files

    def countries(self, r):
        return [(c, f"country {c.lower()}", REGIONS[i % 5]) for i, c in enumerate(CODES)]

    def customers(self, r):
        n = self.n["customers"]
        cities = [self.word(r) for _ in range(500)]
        for i in range(1, n + 1):
            name = f"{self.word(r)} {self.word(r)}"
            x = r.random()
            status = "active" if x < 0.8 else "idle" if x < 0.95 else "closed" if x < 0.995 else "fraud"
            c = self.skewed(r, len(CODES), 2) - 1
            referrer = r.randint(1, i - 1) if i > 1 and r.random() < 0.3 else None
            yield (i, name, f"{name.split()[0]}.{i}@example.com", CODES[c], cities[(self.skewed(r, 100, 2) + c * 37) % 500], status,
                   datetime.date(2015, 1, 1) + datetime.timedelta(days=int(3600 * (i / n) ** 0.7)), f"{r.lognormvariate(6, 1):.2f}", referrer)

    def categories(self, r):
        return [(i, None if i <= 8 else (i - 9) // 8 + 1, f"category {i} {self.word(r)}") for i in range(1, 201)]

    def suppliers(self, r):
        return [(i, f"supplier {i}", CODES[self.skewed(r, len(CODES), 2) - 1]) for i in range(1, self.n["suppliers"] + 1)]

    def products(self, r):
        for i in range(1, self.n["products"] + 1):
            yield (i, f"SKU{i * 7919 % 1000003:09d}", f"{self.word(r)} {self.word(r, 3, 5)}", self.skewed(r, 200, 1.7), self.skewed(r, self.n["suppliers"], 1.5),
                   f"{r.lognormvariate(3, 1):.2f}", int(r.random() < 0.05))

    def warehouses(self, r):
        return [(i, f"city{i}", CODES[i % 10]) for i in range(1, 21)]

    def stock(self, r):
        for p in range(1, self.n["products"] + 1):
            for w in sorted(r.sample(range(1, 21), r.choice([1, 2, 3, 5]))):
                yield (p, w, r.choice([0, 1, 5, 20, 100, 300]))

    def orders(self, r):
        n, customers = self.n["orders"], self.n["customers"]
        for i in range(1, n + 1):
            c = r.randint(1, customers) if r.random() < 0.5 else self.skewed(r, customers, 3)
            if c % 10 == 7:
                c = (c + 1) % customers + 1 if (c + 1) % 10 != 7 else c
            c = c + 1 if c % 10 == 7 and c < customers else c  # a tenth of them never ordered
            age = i / n
            x = r.random()
            status = "done"
            if age > 0.95:
                status = "new" if x < 0.3 else "paid" if x < 0.6 else "shipped" if x < 0.9 else "done"
            elif x < 0.005:
                status = "failed"
            elif x < 0.04:
                status = "returned"
            day = min(DAYS - 1, max(0, int(DAYS * age ** 0.7) - int(r.expovariate(0.5))))
            yield (i, c, self.day(day), status, f"{r.lognormvariate(4, 1):.2f}", r.choices((1, 2, 3, 4), (70, 20, 9, 1))[0], self.word(r, 20, 60) if r.random() < 0.1 else None)

    def items(self, r):
        n, orders, products = self.n["items"], self.n["orders"], self.n["products"]
        left = n
        i = 0
        for o in range(1, orders + 1):
            for _ in range(min(left, r.choices((0, 1, 2, 3, 4, 12), (2, 40, 30, 15, 12, 1))[0])):
                i, left = i + 1, left - 1
                yield (i, o, self.skewed(r, products, 2), r.choices((1, 2, 3, 10), (80, 12, 6, 2))[0], f"{r.lognormvariate(3, 1):.2f}")

    def payments(self, r):
        i = 0
        for o in range(1, self.n["orders"] + 1):
            if r.random() < 0.9:
                i += 1
                at = datetime.datetime(2019, 1, 1) + datetime.timedelta(seconds=int(DAYS * 86400 * (o / self.n["orders"]) ** 0.7) + r.randint(0, 86400 * 20))
                yield (i, o, r.choices(("card", "transfer", "paypal", "cash"), (60, 20, 19, 1))[0], at, f"{r.lognormvariate(4, 1):.2f}")

    def shipments(self, r):
        n = self.n["orders"]
        for o in range(1, n + 1):
            if o < n * 0.95 or r.random() < 0.4:
                yield (o, self.skewed(r, 20, 2), self.day(min(DAYS + 20, int(DAYS * (o / n) ** 0.7) + r.randint(1, 10))), r.choice(("post", "van", "bike")))

    def employees(self, r):
        for i in range(1, self.n["employees"] + 1):
            yield (i, None if i == 1 else max(1, i // r.choice((5, 8))), self.word(r), r.randint(1, 12), f"{r.lognormvariate(8, 0.4):.2f}")

    def events(self, r):
        n = self.n["events"]
        for i in range(1, n + 1):
            at = datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=int(366 * 86400 * i / n) - r.randint(0, 3600))
            yield (i, r.choices(range(1, 7), (60, 20, 10, 5, 4, 1))[0], at, self.skewed(r, self.n["customers"], 2), r.randint(0, 1000) if r.random() < 0.8 else None)

    def d_date(self, r):
        return [(i + 1, self.day(i), self.day(i).month, self.day(i).year, self.day(i).weekday()) for i in range(DAYS)]

    def d_store(self, r):
        return [(i, f"store {i}", self.word(r), REGIONS[self.skewed(r, 5, 1.5) - 1]) for i in range(1, 201)]

    def d_item(self, r):
        return [(i, f"item {i}", f"brand {self.skewed(r, 100, 2)}", f"kind {self.skewed(r, 20, 2)}") for i in range(1, self.n["d_item"] + 1)]

    def d_promo(self, r):
        return [(i, f"promo {i}", "none" if i % 3 else f"kind {i % 7}") for i in range(1, 301)]

    def d_channel(self, r):
        return [(i, n) for i, n in enumerate(("web", "app", "shop", "phone", "mail", "partner", "fair", "other"), 1)]

    def facts(self, r):
        n = self.n["facts"]
        for i in range(1, n + 1):
            yield (i, min(DAYS, int(DAYS * (i / n)) + 1), self.skewed(r, 200, 1.5), self.skewed(r, self.n["d_item"], 2), 1 if r.random() < 0.7 else r.randint(1, 300),
                   self.skewed(r, 8, 2), r.randint(1, 9), f"{r.lognormvariate(3, 1):.2f}")
