# SPDX-License-Identifier: Apache-2.0
"""The statements of `bench queries`, for data of query_data.sizes(scale)."""


class Query:
    """compare: "exact" (the order is part of the result), "sorted", "count" (which rows is left to the server). change: rolled back each time."""

    def __init__(self, name, sql, compare="sorted", change=False):
        self.name, self.sql, self.compare, self.change = name, " ".join(sql.split()), compare, change


def queries(n):
    C, O, I, P, F, E = (n[k] for k in ("customers", "orders", "items", "products", "facts", "events"))
    out = []

    def q(name, sql, compare=None, change=False):
        out.append(Query(name, sql, compare or ("exact" if "ORDER BY" in sql.rsplit(")", 1)[-1] else "sorted"), change))

    o1, o2, c1, p1 = O * 47 // 5000, O * 3 // 5, C * 7 // 20 + 1, P // 3 + 1
    # The table of measured ones
    q("join3-order-by-id", f"SELECT o.id, o.odate, i.qty, i.price, p.name FROM orders o JOIN items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id WHERE o.id = {o1}")
    q("range-order-limit", "SELECT id, cust_id, odate, amount FROM orders WHERE odate > '2024-12-10' ORDER BY odate LIMIT 20", "count")
    q("group-key-limit", "SELECT cust_id, COUNT(*), SUM(amount) FROM orders GROUP BY cust_id ORDER BY cust_id LIMIT 10")
    q("star6-one-row", """SELECT COUNT(*), SUM(f.revenue) FROM facts f JOIN d_date d ON d.id = f.date_id JOIN d_store s ON s.id = f.store_id JOIN d_item t ON t.id = f.item_id
      JOIN d_promo p ON p.id = f.promo_id JOIN d_channel c ON c.id = f.channel_id WHERE d.day = '2022-05-17'""")
    q("join5-customer-range", f"""SELECT c.name, o.odate, p.name, k.name, i.qty FROM customers c JOIN orders o ON o.cust_id = c.id JOIN items i ON i.order_id = o.id
      JOIN products p ON p.id = i.product_id JOIN categories k ON k.id = p.category_id WHERE c.id BETWEEN {C // 400} AND {C // 400 + C // 1000}""")
    q("or-two-keys", f"SELECT id, cust_id, amount FROM orders WHERE id = 77 OR cust_id = {C // 200 + 9}")
    q("min-max", "SELECT MIN(amount), MAX(amount) FROM orders")
    q("page-children-count", "SELECT c.id, c.name, COUNT(o.id) FROM customers c LEFT JOIN orders o ON o.cust_id = c.id GROUP BY c.id, c.name ORDER BY c.id LIMIT 20")
    q("page-derived-children-count", "SELECT c.id, c.name, COUNT(o.id) FROM (SELECT id, name FROM customers ORDER BY id LIMIT 20 OFFSET 1000) c LEFT JOIN orders o ON o.cust_id = c.id GROUP BY c.id, c.name")
    q("derived-group-const", f"SELECT d.n, d.total FROM (SELECT cust_id, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY cust_id) d WHERE d.cust_id = {c1}")
    q("distinct-status", "SELECT DISTINCT status FROM orders")
    q("like-prefix", "SELECT id, name FROM customers WHERE name LIKE 'eta%' ORDER BY id")
    q("exists-all-customers", "SELECT COUNT(*) FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.cust_id = c.id)")
    q("last-10-with-customer", "SELECT o.id, o.odate, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.cust_id ORDER BY o.id DESC LIMIT 10")
    # One table: look-ups and ranges
    q("point-pk", f"SELECT * FROM orders WHERE id = {o2}")
    q("point-unique-text", f"SELECT id, name FROM products WHERE sku = 'SKU{p1 * 7919 % 1000003:09d}'")
    q("point-secondary", f"SELECT id, odate, amount FROM orders WHERE cust_id = {c1}")
    q("range-pk", f"SELECT id, amount FROM orders WHERE id BETWEEN {o2} AND {o2 + O // 1000}")
    q("range-date-month", "SELECT COUNT(*), SUM(amount) FROM orders WHERE odate >= '2021-03-01' AND odate < '2021-04-01'")
    q("range-covering", "SELECT status, odate FROM orders WHERE status = 'failed' AND odate BETWEEN '2020-01-01' AND '2020-12-31' ORDER BY odate")
    q("in-list-pk", "SELECT id, name FROM customers WHERE id IN (" + ", ".join(str(C * k // 41 + 1) for k in range(40)) + ")")
    q("in-list-secondary", "SELECT id, cust_id, amount FROM orders WHERE cust_id IN (" + ", ".join(str(C * k // 23 + 2) for k in range(20)) + ")")
    q("row-constructor-in", "SELECT product_id, warehouse_id, quantity FROM stock WHERE (product_id, warehouse_id) IN (" + ", ".join(f"({P * k // 31 + 1}, {k % 20 + 1})" for k in range(30)) + ")")
    q("or-same-column-ranges", f"SELECT id, amount FROM orders WHERE id < 20 OR id > {O - 20} OR id BETWEEN {o2} AND {o2 + 30}")
    q("or-indexed-columns", f"SELECT id, cust_id, odate FROM orders WHERE cust_id = {c1} OR amount > 3000")
    q("and-two-keys", "SELECT id, amount FROM orders WHERE odate = '2023-08-08' AND amount BETWEEN 50 AND 52")
    q("rare-status", "SELECT COUNT(*), MIN(odate) FROM orders WHERE status = 'failed'")
    q("common-status-and-rare-range", "SELECT id FROM orders WHERE status = 'done' AND amount > 2000 ORDER BY id")
    q("is-null-key", "SELECT COUNT(*) FROM customers WHERE referrer_id IS NULL AND created >= '2024-06-01'")
    q("skip-scan-second-column", "SELECT kind, COUNT(*) FROM events WHERE at BETWEEN '2024-05-05 10:00:00' AND '2024-05-05 12:00:00' GROUP BY kind")
    q("index-condition", "SELECT id, name FROM customers WHERE country = 'DE' AND city LIKE '%ee%' ORDER BY id")
    q("date-function-range", "SELECT COUNT(*) FROM orders WHERE YEAR(odate) = 2020 AND MONTH(odate) = 2")
    q("full-scan-filter", "SELECT COUNT(*), SUM(amount) FROM orders WHERE note LIKE '%abs%'")
    # Pages
    q("page-forward", "SELECT id, name, created FROM customers ORDER BY id LIMIT 20 OFFSET 2000")
    q("page-backward", "SELECT id, name, created FROM customers ORDER BY id DESC LIMIT 20 OFFSET 500")
    q("page-keyset", f"SELECT id, odate, amount FROM orders WHERE (odate, id) < ('2023-03-03', {o2}) ORDER BY odate DESC, id DESC LIMIT 20")
    q("page-keyset-spelled-out", f"SELECT id, odate, amount FROM orders WHERE odate > '2022-02-02' OR (odate = '2022-02-02' AND id > {o2}) ORDER BY odate, id LIMIT 20")
    q("page-filtered-newest", "SELECT id, odate, amount FROM orders WHERE status = 'returned' ORDER BY odate DESC, id DESC LIMIT 20")
    q("page-by-name", "SELECT id, name FROM customers WHERE name > 'm' ORDER BY name, id LIMIT 20")
    q("top-amounts", "SELECT id, amount FROM orders ORDER BY amount DESC, id DESC LIMIT 15")
    q("newest-of-customer", f"SELECT id, odate FROM orders WHERE cust_id = {c1} ORDER BY id DESC LIMIT 5")
    # Joins
    q("join2-fk", f"SELECT c.name, o.id, o.amount FROM customers c JOIN orders o ON o.cust_id = c.id WHERE c.id = {c1}")
    q("join2-email", "SELECT o.id, o.amount FROM customers c JOIN orders o ON o.cust_id = c.id WHERE c.email LIKE 'eta%'")
    q("join2-full-hash", "SELECT c.status, COUNT(*), SUM(o.amount) FROM orders o JOIN customers c ON c.id = o.cust_id GROUP BY c.status")
    q("join3-rare-status", "SELECT o.id, c.name, i.qty FROM orders o JOIN customers c ON c.id = o.cust_id JOIN items i ON i.order_id = o.id WHERE o.status = 'failed' AND o.odate > '2024-01-01'")
    q("join3-fraud", "SELECT COUNT(*), SUM(i.qty) FROM customers c JOIN orders o ON o.cust_id = c.id JOIN items i ON i.order_id = o.id WHERE c.status = 'fraud' AND o.amount > 500")
    q("join4-one-product", f"SELECT c.country, COUNT(*) FROM products p JOIN items i ON i.product_id = p.id JOIN orders o ON o.id = i.order_id JOIN customers c ON c.id = o.cust_id WHERE p.id = {p1} GROUP BY c.country")
    q("join4-day", "SELECT p.name, SUM(i.qty) AS n FROM orders o JOIN items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id JOIN suppliers s ON s.id = p.supplier_id"
      " WHERE o.odate = '2023-10-10' AND s.country = 'DE' GROUP BY p.id, p.name ORDER BY n DESC, p.id LIMIT 10")
    q("join6-order-detail", f"""SELECT o.id, c.name, y.name, p.name, k.name, s.name FROM orders o JOIN customers c ON c.id = o.cust_id JOIN countries y ON y.code = c.country JOIN items i ON i.order_id = o.id
      JOIN products p ON p.id = i.product_id JOIN categories k ON k.id = p.category_id JOIN suppliers s ON s.id = p.supplier_id WHERE o.id BETWEEN {o2} AND {o2 + 20}""")
    q("join8-recent", """SELECT COUNT(*), SUM(i.qty * i.price) FROM orders o JOIN customers c ON c.id = o.cust_id JOIN countries y ON y.code = c.country JOIN items i ON i.order_id = o.id
      JOIN products p ON p.id = i.product_id JOIN categories k ON k.id = p.category_id JOIN shipments h ON h.order_id = o.id JOIN warehouses w ON w.id = h.warehouse_id
      WHERE o.odate >= '2024-12-15' AND y.region = 'Europe'""")
    q("join10-one-customer", f"""SELECT o.id, i.id, p.name, k.name, s.name, y.name, w.city, m.method FROM customers c JOIN orders o ON o.cust_id = c.id JOIN countries y ON y.code = c.country
      JOIN items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id JOIN categories k ON k.id = p.category_id JOIN suppliers s ON s.id = p.supplier_id
      JOIN shipments h ON h.order_id = o.id JOIN warehouses w ON w.id = h.warehouse_id JOIN payments m ON m.order_id = o.id WHERE c.id = {c1 + 3}""")
    q("join-self-referrer", "SELECT b.name, COUNT(*) AS n FROM customers a JOIN customers b ON b.id = a.referrer_id WHERE b.status = 'fraud' GROUP BY b.id, b.name ORDER BY n DESC, b.id LIMIT 10")
    q("join-no-key", "SELECT COUNT(*) FROM warehouses w JOIN suppliers s ON s.country = w.country JOIN products p ON p.supplier_id = s.id WHERE p.price > 100")
    q("join-top-n-amount", "SELECT o.id, o.amount, c.name FROM orders o JOIN customers c ON c.id = o.cust_id ORDER BY o.amount DESC, o.id DESC LIMIT 10")
    q("join-page-filter", "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.cust_id WHERE c.country = 'DE' ORDER BY o.id DESC LIMIT 10")
    q("join3-newest", "SELECT o.id, i.id AS item, p.name FROM orders o JOIN items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id ORDER BY o.id DESC, i.id DESC LIMIT 10")
    q("straddle-range-join", "SELECT COUNT(*) FROM d_date d JOIN orders o ON o.odate BETWEEN d.day AND d.day + INTERVAL 2 DAY WHERE d.year = 2022 AND d.month = 3")
    # Stars
    q("star-two-dimensions", """SELECT t.kind, SUM(f.revenue) FROM facts f JOIN d_date d ON d.id = f.date_id JOIN d_store s ON s.id = f.store_id JOIN d_item t ON t.id = f.item_id
      WHERE d.year = 2023 AND d.month = 6 AND s.region = 'South' GROUP BY t.kind""")
    q("star-rare-brand", "SELECT d.year, COUNT(*), SUM(f.revenue) FROM facts f JOIN d_item t ON t.id = f.item_id JOIN d_date d ON d.id = f.date_id WHERE t.brand = 'brand 97' GROUP BY d.year ORDER BY d.year")
    q("star-whole-year", "SELECT s.region, c.name, SUM(f.revenue), COUNT(*) FROM facts f JOIN d_date d ON d.id = f.date_id JOIN d_store s ON s.id = f.store_id JOIN d_channel c ON c.id = f.channel_id"
      " WHERE d.year = 2021 GROUP BY s.region, c.name")
    q("star-everything", "SELECT d.year, t.kind, SUM(f.qty) FROM facts f JOIN d_date d ON d.id = f.date_id JOIN d_item t ON t.id = f.item_id GROUP BY d.year, t.kind ORDER BY d.year, t.kind")
    # Outer joins
    q("left-join-anti", "SELECT COUNT(*) FROM customers c LEFT JOIN orders o ON o.cust_id = c.id WHERE o.id IS NULL")
    q("left-join-count-filter", f"SELECT c.id, COUNT(o.id), SUM(o.amount) FROM customers c LEFT JOIN orders o ON o.cust_id = c.id AND o.status = 'failed' WHERE c.id < {C // 400} GROUP BY c.id")
    q("left-join-to-inner", "SELECT COUNT(*) FROM orders o LEFT JOIN shipments h ON h.order_id = o.id WHERE h.carrier = 'van' AND h.sent >= '2024-12-01'")
    q("left-join-unused", f"SELECT o.id, o.amount FROM orders o LEFT JOIN customers c ON c.id = o.cust_id LEFT JOIN shipments h ON h.order_id = o.id WHERE o.id > {O - 500}")
    q("left-join-page", "SELECT o.id, h.carrier, m.method FROM orders o LEFT JOIN shipments h ON h.order_id = o.id LEFT JOIN payments m ON m.order_id = o.id ORDER BY o.id DESC LIMIT 20", "count")
    # Subqueries
    q("in-subquery", "SELECT COUNT(*), SUM(amount) FROM orders WHERE cust_id IN (SELECT id FROM customers WHERE status = 'fraud')")
    q("in-subquery-large", "SELECT COUNT(*) FROM products WHERE id IN (SELECT product_id FROM items WHERE qty = 10)")
    q("not-in-subquery", "SELECT COUNT(*) FROM products WHERE id NOT IN (SELECT product_id FROM items)")
    q("not-exists", "SELECT COUNT(*) FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.cust_id = c.id)")
    q("not-exists-filtered", "SELECT c.id FROM customers c WHERE c.country = 'VN' AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cust_id = c.id AND o.amount > 100) ORDER BY c.id")
    q("exists-nested", f"SELECT COUNT(*) FROM customers c WHERE EXISTS (SELECT 1 FROM orders o JOIN items i ON i.order_id = o.id WHERE o.cust_id = c.id AND i.product_id = {p1})")
    q("exists-or", f"SELECT COUNT(*) FROM customers c WHERE c.id < {C // 20} AND (c.status = 'fraud' OR EXISTS (SELECT 1 FROM orders o WHERE o.cust_id = c.id AND o.status = 'failed'))")
    q("scalar-correlated", f"SELECT c.id, (SELECT MAX(o.odate) FROM orders o WHERE o.cust_id = c.id) AS last FROM customers c WHERE c.id BETWEEN {c1} AND {c1 + C // 200} ORDER BY c.id")
    q("scalar-average", "SELECT COUNT(*) FROM orders WHERE amount > (SELECT AVG(amount) * 5 FROM orders)")
    q("scalar-correlated-where", "SELECT COUNT(*) FROM products p WHERE p.price > (SELECT AVG(x.price) * 3 FROM products x WHERE x.category_id = p.category_id)")
    q("newest-order-each", f"SELECT o.cust_id, o.id, o.amount FROM orders o WHERE o.cust_id BETWEEN {c1} AND {c1 + C // 100} AND o.id = (SELECT MAX(x.id) FROM orders x WHERE x.cust_id = o.cust_id)")
    # Derived tables, CTEs, unions
    q("derived-filter-outside", "SELECT d.id, d.name FROM (SELECT id, name, country, created FROM customers) d WHERE d.country = 'KE' AND d.created > '2024-01-01' ORDER BY d.id")
    q("derived-join-group", f"SELECT c.name, d.n FROM customers c JOIN (SELECT cust_id, COUNT(*) AS n FROM orders GROUP BY cust_id) d ON d.cust_id = c.id WHERE c.id BETWEEN {c1} AND {c1 + 20}")
    q("cte-once", "WITH big AS (SELECT id, cust_id, amount FROM orders WHERE amount > 1500) SELECT c.country, COUNT(*), SUM(b.amount) FROM big b JOIN customers c ON c.id = b.cust_id GROUP BY c.country")
    q("cte-twice", "WITH m AS (SELECT odate, SUM(amount) AS s FROM orders WHERE odate >= '2024-11-01' GROUP BY odate) SELECT a.odate, a.s, b.s FROM m a JOIN m b ON b.odate = a.odate - INTERVAL 1 DAY ORDER BY a.odate")
    q("category-tree", "SELECT a.id, COUNT(*) FROM categories a JOIN categories b ON b.parent_id = a.id JOIN products p ON p.category_id = b.id WHERE a.parent_id = 3 GROUP BY a.id ORDER BY a.id")
    q("union-filter-outside", f"SELECT * FROM (SELECT id, cust_id, 'order' AS what FROM orders UNION ALL SELECT id, cust_id, 'event' FROM events) u WHERE u.cust_id = {c1}")
    q("union-distinct", "SELECT cust_id FROM orders WHERE status = 'failed' UNION SELECT cust_id FROM events WHERE kind = 6 ORDER BY cust_id")
    q("union-newest", "(SELECT id, odate AS d FROM orders ORDER BY odate DESC, id DESC LIMIT 10) UNION ALL (SELECT order_id, sent FROM shipments ORDER BY sent DESC, order_id DESC LIMIT 10) ORDER BY d DESC, id DESC LIMIT 10")
    # Groups
    q("group-status", "SELECT status, COUNT(*) FROM orders GROUP BY status")
    q("group-month", "SELECT YEAR(odate) AS y, MONTH(odate) AS m, COUNT(*), SUM(amount) FROM orders WHERE odate >= '2023-01-01' GROUP BY y, m ORDER BY y, m")
    q("group-having", "SELECT cust_id, COUNT(*) AS n FROM orders GROUP BY cust_id HAVING n > 50 ORDER BY n DESC, cust_id LIMIT 20")
    q("group-min-max-loose", "SELECT kind, MIN(at), MAX(at) FROM events GROUP BY kind")
    q("group-top-customers", "SELECT cust_id, SUM(amount) AS s FROM orders GROUP BY cust_id ORDER BY s DESC, cust_id LIMIT 10")
    q("group-joined", "SELECT k.name, COUNT(*), SUM(i.qty) FROM items i JOIN products p ON p.id = i.product_id JOIN categories k ON k.id = p.category_id GROUP BY k.id, k.name ORDER BY k.id")
    q("group-two-keys-order", "SELECT country, city, COUNT(*) FROM customers GROUP BY country, city ORDER BY country, city LIMIT 30")
    q("count-distinct", "SELECT COUNT(DISTINCT cust_id) FROM orders")
    q("distinct-two", "SELECT DISTINCT country, city FROM customers WHERE country = 'FR' ORDER BY city")
    q("distinct-join", "SELECT DISTINCT c.id FROM customers c JOIN orders o ON o.cust_id = c.id WHERE o.amount > 1500 ORDER BY c.id")
    q("max-of-group", f"SELECT MAX(odate) FROM orders WHERE cust_id = {c1}")
    q("min-of-range", "SELECT MIN(odate) FROM orders WHERE status = 'returned' AND odate > '2022-01-01'")
    q("max-of-pk", "SELECT MAX(id) FROM items")
    q("count-all", "SELECT COUNT(*) FROM items")
    q("top-3-each", f"""SELECT o.cust_id, o.id, o.amount FROM orders o WHERE o.cust_id < {C // 200}
      AND (SELECT COUNT(*) FROM orders x WHERE x.cust_id = o.cust_id AND x.amount > o.amount) < 3""")
    # Changes, rolled back
    q("update-join", "UPDATE orders o JOIN customers c ON c.id = o.cust_id SET o.note = 'checked' WHERE c.status = 'fraud' AND o.amount > 500", change=True)
    q("update-in-subquery", "UPDATE products SET discontinued = 1 WHERE id IN (SELECT product_id FROM stock WHERE warehouse_id = 3 AND quantity = 0)", change=True)
    q("update-range", "UPDATE orders SET channel = 2 WHERE odate = '2024-03-03' AND channel = 1", change=True)
    q("delete-join", f"DELETE i FROM items i JOIN orders o ON o.id = i.order_id WHERE o.cust_id BETWEEN {c1} AND {c1 + 20}", change=True)
    q("delete-not-exists", "DELETE FROM events WHERE kind = 6 AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.cust_id = events.cust_id)", change=True)
    q("delete-order-limit", "DELETE FROM events ORDER BY id LIMIT 50", change=True)
    return out
