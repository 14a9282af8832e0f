/* SPDX-License-Identifier: Apache-2.0
 *
 * A prepared KILL ? through libmariadb's binary protocol: argv SOCKET ID. Prints "ok" or the error
 * number.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
    MYSQL *c = mysql_init(NULL);
    unsigned long long id = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    const char *sql = "KILL /*by hand*/ QUERY ?";
    MYSQL_BIND b;
    if (!mysql_real_connect(c, NULL, "root", "", NULL, 0, argv[1], 0)) {
        printf("%u %s\n", mysql_errno(c), mysql_error(c));
        return 1;
    }
    MYSQL_STMT *s = mysql_stmt_init(c);
    memset(&b, 0, sizeof b);
    b.buffer_type = MYSQL_TYPE_LONGLONG;
    b.buffer = &id;
    b.is_unsigned = 1;
    if (mysql_stmt_prepare(s, sql, (unsigned long)strlen(sql)) || mysql_stmt_param_count(s) != 1 ||
        mysql_stmt_bind_param(s, &b) || mysql_stmt_execute(s)) {
        printf("%u %s\n", mysql_stmt_errno(s), mysql_stmt_error(s));
        return 1;
    }
    printf("ok %llu\n", (unsigned long long)mysql_stmt_affected_rows(s));
    mysql_stmt_close(s);
    mysql_close(c);
    return 0;
}
