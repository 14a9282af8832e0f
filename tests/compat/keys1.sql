CREATE DATABASE texts;
CREATE TABLE texts.words (id INT PRIMARY KEY, k INT, s VARCHAR(40) COLLATE utf8mb4_0900_ai_ci, KEY p (s(2)), KEY kp (k, s(3) DESC), KEY whole (s), UNIQUE u (s(4), id));
INSERT INTO texts.words VALUES (1, 1, 'ccs'), (2, 1, _utf8mb4 X'63C2AD6373'), (3, 1, 'CCS'), (4, 1, 'cc'), (5, 1, 'aex'), (6, 1, _utf8mb4 X'C3A678'), (7, 1, 'AEX'), (8, 2, 'strasse'), (9, 2, _utf8mb4 X'73747261C39F65'), (10, 2, 'ss'), (11, 2, _utf8mb4 X'C39F'), (12, 1, _utf8mb4 X'C2ADC2ADC2ADC2ADC2AD636373'), (13, 3, NULL), (14, 3, ''), (15, 1, 'ccsx');
CREATE TABLE texts.czech (s VARCHAR(20) COLLATE utf8mb4_cs_0900_ai_ci NOT NULL, n INT, PRIMARY KEY (s(3)));
INSERT INTO texts.czech VALUES ('acha', 1), ('acz', 2), (_utf8mb4 X'C2AD616368', 3), ('bcha', 4), ('chata', 5);
CREATE TABLE texts.orders (id INT PRIMARY KEY, region VARCHAR(10) COLLATE utf8mb4_0900_ai_ci, status VARCHAR(10) COLLATE utf8mb4_0900_ai_ci, amount DECIMAL(8,2), KEY both_texts (region, status), KEY by_status (status), UNIQUE one (region, id), UNIQUE two (status(3), id));
INSERT INTO texts.orders VALUES (1, 'north', 'paid', 1.50), (2, 'North', 'PAID', 2.50), (3, 'south', 'new', 3.00), (4, NULL, 'new', 4.00), (5, 'south', NULL, 5.00), (6, _utf8mb4 X'6EC3B6727468', 'paid ', 6.00), (7, 'south', 'New', 7.00);
DELETE FROM texts.orders WHERE id = 3;
UPDATE texts.orders SET status = 'failed' WHERE id = 5
