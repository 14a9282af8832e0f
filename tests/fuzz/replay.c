/* SPDX-License-Identifier: Apache-2.0
 *
 * main() of a fuzz target in builds without libFuzzer: runs it over files and the files of
 * directories (a kept corpus), one "ok" line each argument.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned
run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return 0;
    }
    size_t cap = 1 << 20, n;
    uint8_t *whole = malloc(cap), *data;
    CLAIM(whole != NULL);
    n = fread(whole, 1, cap, f);
    (void)fclose(f);
    data = malloc(n > 0 ? n : 1); /* of exactly that size, for the sanitizer */
    CLAIM(data != NULL);
    memcpy(data, whole, n);
    free(whole);
    (void)LLVMFuzzerTestOneInput(data, n);
    free(data);
    return 1;
}

static unsigned
run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return run_file(path);
    }
    DIR *d = opendir(path);
    unsigned n = 0;
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char name[4096];
        if (e->d_name[0] != '.') {
            (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
            n += run_path(name);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

int
main(int argc, char **argv)
{
    bool bad = argc < 2;
    for (int i = 1; i < argc; i++) {
        unsigned n = run_path(argv[i]);
        bad |= n == 0;
        printf("%s %s (%u inputs)\n", n > 0 ? "ok" : "not ok", argv[i], n);
    }
    return bad;
}
