CREATE DATABASE sets CHARACTER SET latin1;
CREATE TABLE sets.t (id INT PRIMARY KEY, s VARCHAR(20), g VARCHAR(20) COLLATE latin1_german1_ci, b VARCHAR(20) COLLATE latin1_bin, c VARCHAR(20) CHARACTER SET cp1251,
  UNIQUE KEY (s), KEY (g), KEY (b, id), KEY (c), KEY p (g(2)));
INSERT INTO sets.t VALUES (1, 'Øl', 'Ø', 'Ø', 'ё'), (2, 'Ö', 'ö', 'ö', 'е'), (3, '€', '€', '€', 'я'), (4, 'Šx', 'š', 'š', 'Ё'), (5, 'ß', 'ß', 'ß', 'Є'), (6, 's', 's', 's', 's'), (7, 'z', 'z', 'z', 'z'), (8, 'Å', 'å', 'å', NULL),
  (9, 'Äpfel', 'Äpfel', 'Äpfel', '№'), (10, 'Apfel', 'apfel', 'apfel', 'ж'), (11, 'Ж', 'Ж', 'Ж', 'ä');
CREATE TABLE sets.child (id INT PRIMARY KEY, s VARCHAR(20), KEY (s), FOREIGN KEY (s) REFERENCES sets.t (s));
INSERT INTO sets.child VALUES (1, 'øl'), (2, 'z');
