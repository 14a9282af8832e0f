<?php
// SPDX-License-Identifier: Apache-2.0
// Usage: types.php mysqli|pdo SOCKET PORT FILE     (the contract: test_drivers.py)
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
[, $driver, $socket, $port, $file] = $argv;

function show($name, $id, $protocol, $v) {
    echo "$name\t$id\t$protocol\t", $v === null ? "NULL" : bin2hex((string)$v), "\n";
}

function literal($value) {
    return $value === null ? "NULL" : "x'" . bin2hex($value) . "'";
}

$rows = [];
foreach (file($file, FILE_IGNORE_NEW_LINES) as $line) {
    [$name, $definition, $is_bytes, $hex] = explode("\t", $line);
    $rows[] = [$name, $definition, $is_bytes === "1", $hex === "NULL" ? null : hex2bin($hex)];
}
if ($driver === "mysqli") {
    $c = new mysqli("localhost", "root", "", "drivers", (int)$port, $socket);
    $c->set_charset("utf8mb4");
    foreach ($rows as [$name, $definition, $is_bytes, $value]) {
        $c->query("CREATE TABLE `$name` (id INT PRIMARY KEY, v $definition)");
        $text = $value === null ? "NULL" : ($is_bytes ? literal($value) : "'" . $c->real_escape_string($value) . "'");
        $c->query("INSERT INTO `$name` VALUES (1, $text)");
        $s = $c->prepare("INSERT INTO `$name` VALUES (?, ?)");
        $id = 2;
        $s->bind_param("is", $id, $value);
        $s->execute();
        foreach ($c->query("SELECT id, v FROM `$name` ORDER BY id") as $r) {
            show($name, $r["id"], "text", $r["v"]);
        }
        $s = $c->prepare("SELECT id, v FROM `$name` WHERE id > ? ORDER BY id");
        $least = 0;
        $s->bind_param("i", $least);
        $s->execute();
        foreach ($s->get_result() as $r) {
            show($name, $r["id"], "binary", $r["v"]);
        }
    }
} else {
    $options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::MYSQL_ATTR_INIT_COMMAND => "SET NAMES utf8mb4"];
    foreach ([true => "text", false => "binary"] as $emulate => $protocol) {
        $c = new PDO("mysql:unix_socket=$socket;dbname=drivers;charset=utf8mb4", "root", "", $options + [PDO::ATTR_EMULATE_PREPARES => (bool)$emulate]);
        foreach ($rows as [$name, $definition, $is_bytes, $value]) {
            if ($emulate) {
                $c->exec("CREATE TABLE `$name` (id INT PRIMARY KEY, v $definition)");
            }
            $s = $c->prepare("INSERT INTO `$name` VALUES (?, ?)");
            $s->bindValue(1, $emulate ? 1 : 2, PDO::PARAM_INT);
            $s->bindValue(2, $value, $value === null ? PDO::PARAM_NULL : ($is_bytes ? PDO::PARAM_LOB : PDO::PARAM_STR));
            $s->execute();
            $s = $c->prepare("SELECT id, v FROM `$name` WHERE id > ? ORDER BY id");
            $s->execute([0]);
            foreach ($s->fetchAll(PDO::FETCH_ASSOC) as $r) {
                show($name, $r["id"], $protocol, $r["v"]);
            }
        }
    }
}
