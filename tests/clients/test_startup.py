# SPDX-License-Identifier: Apache-2.0
"""What stock clients, frameworks and tools ask of a server before they do anything (their start-up statements, as their sources send them to a
MySQL 8 server): each is answered. Where a client looks at the value, so does the test; values are the MySQL 8.4 manual's."""
import quell
from harness import main
from wire import Watcher

server = quell.Server()
server.start()
w = Watcher(server)
w.query("CREATE DATABASE app")
w.query("USE app")
w.query("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20) NOT NULL DEFAULT 'x', UNIQUE KEY u (name))")


def ask(*statements):
    for sql in statements:
        number = w.error(sql)
        assert number == 0, (sql, w.last)


def test_django():
    rows = w.query("SELECT VERSION(), @@sql_mode, @@default_storage_engine, @@sql_auto_is_null, @@lower_case_table_names, "
                   "CONVERT_TZ('2001-01-01 01:00:00', 'UTC', 'UTC') IS NOT NULL")
    assert rows[0][2:] == (b"InnoDB", b"0", b"0", b"1"), rows
    ask("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET SQL_AUTO_IS_NULL = 0", "SET foreign_key_checks=0",
        "SELECT engine FROM information_schema.tables WHERE table_name = 't' AND table_schema = DATABASE()",
        "SHOW FULL TABLES", "SELECT table_name, table_type, table_comment FROM information_schema.tables WHERE table_schema = DATABASE()",
        "SELECT kc.`constraint_name`, kc.`column_name`, kc.`referenced_table_name`, kc.`referenced_column_name`, c.`constraint_type` "
        "FROM information_schema.key_column_usage AS kc, information_schema.table_constraints AS c "
        "WHERE kc.table_schema = DATABASE() AND (kc.referenced_table_schema = DATABASE() OR kc.referenced_table_schema IS NULL) "
        "AND c.table_schema = kc.table_schema AND c.constraint_name = kc.constraint_name AND c.constraint_type != 'CHECK' "
        "AND kc.table_name = 't' ORDER BY kc.`ordinal_position`",
        "SELECT cc.constraint_name, cc.check_clause FROM information_schema.check_constraints AS cc, information_schema.table_constraints AS tc "
        "WHERE cc.constraint_schema = DATABASE() AND tc.table_schema = cc.constraint_schema AND cc.constraint_name = tc.constraint_name "
        "AND tc.constraint_type = 'CHECK' AND tc.table_name = 't'",
        "SELECT column_name, CASE WHEN collation_name = 'utf8mb4_0900_ai_ci' THEN NULL ELSE collation_name END AS collation_name "
        "FROM information_schema.columns WHERE table_name = 't' AND table_schema = DATABASE()")
    assert w.value("SELECT CAST(CONVERT_TZ('2024-05-06 22:30:00', 'UTC', '+05:30') AS DATE)") == "2024-05-07"


def test_sqlalchemy():
    ask("SELECT DATABASE()", "SELECT @@transaction_isolation", "SHOW VARIABLES LIKE 'sql_mode'", "SELECT @@sql_mode", "SELECT @@lower_case_table_names",
        "SELECT CAST('test plain returns' AS CHAR(60)) AS anon_1", "SHOW FULL TABLES FROM `app`", "SHOW CREATE TABLE `t`", "DESCRIBE `app`.`t`",
        "SHOW VARIABLES LIKE 'lower_case_table_names'", "SELECT @@session.autocommit", "SELECT @@character_set_client", "SELECT @@version_comment")


def test_connector_j():
    ask("/* mysql-connector-j-9.0.0 */SELECT  @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS "
        "character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results, "
        "@@character_set_server AS character_set_server, @@collation_server AS collation_server, @@collation_connection AS collation_connection, "
        "@@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout, @@license AS license, @@lower_case_table_names AS "
        "lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, @@performance_schema AS "
        "performance_schema, @@sql_mode AS sql_mode, @@system_time_zone AS system_time_zone, @@time_zone AS time_zone, @@transaction_isolation AS "
        "transaction_isolation, @@wait_timeout AS wait_timeout",
        "SET character_set_results = NULL", "SET autocommit=1", "SET sql_mode='STRICT_TRANS_TABLES'", "SELECT @@session.transaction_read_only",
        "SET SESSION TRANSACTION READ WRITE", "SHOW WARNINGS", "SELECT @@session.transaction_isolation", "SET SQL_SELECT_LIMIT=DEFAULT",
        "SHOW COLLATION", "SHOW CHARACTER SET", "SHOW ENGINES", "SET character_set_results = utf8mb4",
        "select @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment,@@tx_isolation,@@innodb_stats_persistent")


def test_dumps():
    ask("/*!40100 SET @@SQL_MODE='' */", "/*!40103 SET TIME_ZONE='+00:00' */", "/*!80000 SET SESSION information_schema_stats_expiry=0 */",
        "SET SESSION NET_READ_TIMEOUT= 86400, SESSION NET_WRITE_TIMEOUT= 86400", "SHOW VARIABLES LIKE 'gtid\\_mode'", "SELECT @@GTID_MODE",
        "FLUSH /*!40101 LOCAL */ TABLES", "SHOW VARIABLES LIKE 'ndbinfo\\_version'", "SHOW CREATE DATABASE IF NOT EXISTS `app`",
        "SET SQL_QUOTE_SHOW_CREATE=1", "show table status like 't'", "SHOW FIELDS FROM `t`", "SHOW TRIGGERS LIKE 't'", "select @@collation_database",
        "SELECT LOGFILE_GROUP_NAME, FILE_NAME, TOTAL_EXTENTS, INITIAL_SIZE, ENGINE, EXTRA FROM INFORMATION_SCHEMA.FILES "
        "WHERE FILE_TYPE = 'UNDO LOG' AND FILE_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IS NOT NULL "
        "GROUP BY LOGFILE_GROUP_NAME, FILE_NAME, ENGINE, TOTAL_EXTENTS, INITIAL_SIZE ORDER BY LOGFILE_GROUP_NAME",
        "SELECT COLUMN_NAME FROM information_schema.COLUMN_STATISTICS WHERE SCHEMA_NAME = 'app'",
        "SELECT @@innodb_stats_persistent", "SET @@SQL_LOG_BIN = 0", "SHOW REPLICA STATUS", "SHOW BINARY LOG STATUS", "SHOW EVENTS FROM app",
        "SHOW FUNCTION STATUS WHERE Db = 'app'", "SHOW PROCEDURE STATUS WHERE Db = 'app'", "SET SESSION wait_timeout = 2147483",
        "SET TIME_ZONE = 'SYSTEM'")
    assert w.query("SHOW REPLICA STATUS") == w.query("SHOW BINARY LOG STATUS") == w.query("SHOW REPLICAS") == []
    assert w.error("SHOW BINARY LOGS") == 1381


def test_object_mappers_and_migrations():
    ask("SELECT VERSION() AS `version`", "SELECT * FROM `INFORMATION_SCHEMA`.`COLUMNS` WHERE `TABLE_SCHEMA` = 'app' AND `TABLE_NAME` = 'typeorm_metadata'",
        "SELECT SCHEMA_NAME from Information_schema.SCHEMATA where SCHEMA_NAME LIKE 'app%' ORDER BY SCHEMA_NAME='app' DESC,SCHEMA_NAME limit 1",
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'app' AND table_name = 't' AND table_type = 'BASE TABLE'",
        "SELECT column_name, column_default, is_nullable = 'YES', data_type, character_maximum_length, column_type, column_key, extra, column_comment, "
        "numeric_precision, numeric_scale, datetime_precision FROM information_schema.columns WHERE table_schema = 'app' ORDER BY ORDINAL_POSITION",
        "SELECT GET_LOCK('flyway', 10)", "SELECT RELEASE_LOCK('flyway')", "SELECT SUBSTRING_INDEX(USER(), '@', 1)", "SELECT @@foreign_key_checks",
        "SELECT VARIABLE_VALUE FROM performance_schema.global_variables WHERE variable_name = 'pxc_strict_mode'",
        "SELECT @@GLOBAL.ENFORCE_GTID_CONSISTENCY", "SHOW VARIABLES LIKE 'wsrep_on'")


def test_words_that_jdbc_asks_for():
    rows = w.query("SELECT WORD FROM INFORMATION_SCHEMA.KEYWORDS WHERE RESERVED = 1 ORDER BY WORD")
    words = [r[0] for r in rows]
    assert words[0] == b"ACCESSIBLE" and words[-1] == b"ZEROFILL" and b"SELECT" in words and b"ACCOUNT" not in words, words[:5]


def test_what_cannot_be_there():
    for what, number in [("VIEW t", 1347), ("VIEW nope", 1146), ("TRIGGER x", 1360), ("PROCEDURE x", 1305), ("FUNCTION x", 1305), ("EVENT x", 1539)]:
        assert w.error("SHOW CREATE " + what) == number, (what, w.last)


def test_desktops():
    ask("SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_ci'", "SELECT @@version, @@version_comment", "SET lc_messages = 'en_US'", "SELECT CURRENT_USER()",
        "SHOW SESSION VARIABLES LIKE 'character_set_server'", "SHOW STORAGE ENGINES", "SHOW PLUGINS", "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT CONNECTION_ID()", "SET SQL_SAFE_UPDATES=0", "SHOW GLOBAL STATUS",
        "SHOW SESSION VARIABLES LIKE 'version_compile_os'", "SHOW VARIABLES LIKE 'offline_mode'", "SELECT @@GLOBAL.character_set_server, @@GLOBAL.collation_server",
        "SELECT PLUGIN_NAME, PLUGIN_STATUS FROM information_schema.PLUGINS", "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'app'",
        "SELECT * FROM information_schema.TRIGGERS", "SELECT * FROM information_schema.EVENTS", "SELECT * FROM information_schema.PARAMETERS",
        "SELECT * FROM information_schema.VIEWS", "SELECT * FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = 'app'",
        "SELECT * FROM information_schema.REFERENTIAL_CONSTRAINTS", "SELECT * FROM information_schema.CHARACTER_SETS",
        "SELECT * FROM information_schema.COLLATIONS", "SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY",
        "SHOW SESSION VARIABLES LIKE 'sql_mode'", "SHOW PRIVILEGES", "SHOW OPEN TABLES", "SHOW PROFILES", "SHOW PROFILE FOR QUERY 1",
        "SELECT * FROM performance_schema.session_variables WHERE variable_name IN ('license')", "SELECT * FROM performance_schema.global_status",
        "SELECT @@have_ssl, @@have_openssl, @@innodb_version, @@hostname, @@port, @@socket, @@datadir, @@log_bin_basename")


def test_monitors_and_others():
    ask("SHOW GLOBAL VARIABLES", "SHOW ENGINE INNODB STATUS", "SELECT @@global.read_only, @@global.super_read_only, @@global.offline_mode",
        "SHOW REPLICA STATUS FOR CHANNEL ''", "SELECT @@server_id, @@server_uuid, @@report_host, @@binlog_format, @@binlog_row_image, @@binlog_checksum",
        "SELECT @@innodb_buffer_pool_chunk_size, @@innodb_file_per_table, @@innodb_data_file_path, @@innodb_doublewrite, @@innodb_force_recovery",
        "SET @@SESSION.sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), @@SESSION.sql_auto_is_null = 0, @@SESSION.wait_timeout = 2147483",
        "SET innodb_table_locks = 0", "SET GLOBAL innodb_stats_persistent = OFF", "SET GLOBAL innodb_stats_persistent = ON")
    for name, value in [("innodb_stats_persistent", "1"), ("binlog_checksum", "CRC32"), ("innodb_doublewrite", "ON"), ("replica_exec_mode", "STRICT"),
                        ("ft_boolean_syntax", '+ -><()~*:""&|'), ("key_cache_block_size", "1024"), ("max_seeks_for_key", str(2**64 - 1))]:
        assert w.value(f"SELECT @@GLOBAL.{name}") == value, (name, w.value(f"SELECT @@GLOBAL.{name}"))


def test_time_zones():
    for sql, value in [("'2004-01-01 12:00:00', '+00:00', '+10:00'", "2004-01-01 22:00:00"), ("'2004-01-01 12:00:00', 'GMT', '-05:30'", "2004-01-01 06:30:00"),
                       ("'2004-01-01 12:00:00.25', 'utc', 'Etc/UTC'", "2004-01-01 12:00:00.25"), ("'2004-12-31 23:00:00', '-13:59', '+14:00'", "2005-01-02 02:59:00"),
                       ("20040101120000, '+00:00', '+01:00'", "2004-01-01 13:00:00"),
                       ("'1969-12-31 23:00:00', '+00:00', '+01:00'", "1969-12-31 23:00:00"),  # outside of what is converted
                       ("'3001-01-18 23:59:59', '+00:00', '+01:00'", "3001-01-19 00:59:59"), ("'3001-01-19 00:00:00', '+00:00', '+01:00'", "3001-01-19 00:00:00"),
                       ("'2004-01-01', '+14:01', 'UTC'", None), ("'2004-01-01', '-14:00', 'UTC'", None), ("'2004-01-01', 'Mars/Base', 'UTC'", None),
                       ("NULL, 'UTC', 'UTC'", None), ("'2004-01-01', NULL, 'UTC'", None), ("'2004-00-01', 'UTC', 'UTC'", None), ("'nonsense', 'UTC', 'UTC'", None)]:
        assert w.value(f"SELECT CONVERT_TZ({sql})") == value, (sql, w.value(f"SELECT CONVERT_TZ({sql})"))
    for zone in ("UTC", "+00:00", "Etc/UTC", "GMT"):
        ask(f"SET time_zone = '{zone}'")
        assert w.value("SELECT @@time_zone") == zone
        assert w.value("SELECT FROM_UNIXTIME(86400)") == "1970-01-02 00:00:00"
    assert w.error("SET time_zone = 'Mars/Base'") == 1298
    ask("SET time_zone = 'SYSTEM'")


def close_all():
    w.close()
    server.__exit__(None, None, None)


if __name__ == "__main__":
    main(globals())
