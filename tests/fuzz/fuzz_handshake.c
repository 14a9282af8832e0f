/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoders that see bytes before anybody has logged in, and the other decoders of proto/: hello,
 * COM_CHANGE_USER, commands, parameters. The first byte chooses.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "intr/background.h"
#include "proto/command.h"
#include "proto/proto_int.h"
#include "proto/stmt_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_params(ql_ctx *cx, ql_str s)
{
    ql_param_slot slots[9];
    ql_value values[9];
    bool bound = false;
    memset(slots, 0, sizeof slots);
    if (ql_stmt_params_decode(cx, cx->arena, s, slots, 9, &bound, NULL, ql_coll_default, values) !=
            QL_OK &&
        !ql_diag_has_error(cx->diag)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ql_instance inst;
    ql_intr intr;
    ql_ctx cx;
    qli_client_hello hello;
    ql_command command;
    if (size == 0 || ql_background_init(&cx, &inst, &intr) != QL_OK) {
        return 0;
    }
    ql_str s = {(const char *)data + 1, size - 1};
    switch (data[0] % 4) {
    case 0:
        (void)qli_hello_decode(s, &hello);
        break;
    case 1:
        (void)qli_change_user_decode(s, 0xffffffffu, &hello);
        break;
    case 2:
        if (ql_command_decode(&cx, s, &command) != QL_OK && !ql_diag_has_error(cx.diag)) {
            abort();
        }
        break;
    default:
        fuzz_params(&cx, s);
        break;
    }
    ql_background_fini(&cx);
    return 0;
}
