/* SPDX-License-Identifier: Apache-2.0
 *
 * tpchgen DIRECTORY SCALE: the eight tables of TPC-H as lines of tab-separated values, from the
 * rules of clause 4.2 of its specification: keys, ranges, distributions and dependencies of the
 * columns are the specification's. Not the specification's: the stream of random numbers (rows are
 * other ones than dbgen's, the same in every run) and the text of comments, which is words drawn
 * one by one instead of sentences of a grammar. Large tables go to several files (orders.0,
 * orders.1, ...), so that loading does not need one huge transaction. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define ROWS_IN_A_FILE 250000

static const char *const colours[] = {
    "almond",   "antique",   "aquamarine", "azure",      "beige",     "bisque",    "black",
    "blanched", "blue",      "blush",      "brown",      "burlywood", "burnished", "chartreuse",
    "chiffon",  "chocolate", "coral",      "cornflower", "cornsilk",  "cream",     "cyan",
    "dark",     "deep",      "dim",        "dodger",     "drab",      "firebrick", "floral",
    "forest",   "frosted",   "gainsboro",  "ghost",      "goldenrod", "green",     "grey",
    "honeydew", "hot",       "indian",     "ivory",      "khaki",     "lace",      "lavender",
    "lawn",     "lemon",     "light",      "lime",       "linen",     "magenta",   "maroon",
    "medium",   "metallic",  "midnight",   "mint",       "misty",     "moccasin",  "navajo",
    "navy",     "olive",     "orange",     "orchid",     "pale",      "papaya",    "peach",
    "peru",     "pink",      "plum",       "powder",     "puff",      "purple",    "red",
    "rose",     "rosy",      "royal",      "saddle",     "salmon",    "sandy",     "seashell",
    "sienna",   "sky",       "slate",      "smoke",      "snow",      "spring",    "steel",
    "tan",      "thistle",   "tomato",     "turquoise",  "violet",    "wheat",     "white",
    "yellow"};
static const char *const type1[] = {"STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"};
static const char *const type2[] = {"ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"};
static const char *const type3[] = {"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"};
static const char *const container1[] = {"SM", "LG", "MED", "JUMBO", "WRAP"};
static const char *const container2[] = {"CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"};
static const char *const segments[] = {"AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY",
                                       "HOUSEHOLD"};
static const char *const priorities[] = {"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED",
                                         "5-LOW"};
static const char *const instructions[] = {"DELIVER IN PERSON", "COLLECT COD", "NONE",
                                           "TAKE BACK RETURN"};
static const char *const modes[] = {"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"};
static const char *const regions[] = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};
static const struct {
    const char *name;
    int region;
} nations[] = {{"ALGERIA", 0},      {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1},
               {"EGYPT", 4},        {"ETHIOPIA", 0},  {"FRANCE", 3}, {"GERMANY", 3},
               {"INDIA", 2},        {"INDONESIA", 2}, {"IRAN", 4},   {"IRAQ", 4},
               {"JAPAN", 2},        {"JORDAN", 4},    {"KENYA", 0},  {"MOROCCO", 0},
               {"MOZAMBIQUE", 0},   {"PERU", 1},      {"CHINA", 2},  {"ROMANIA", 3},
               {"SAUDI ARABIA", 4}, {"VIETNAM", 2},   {"RUSSIA", 3}, {"UNITED KINGDOM", 3},
               {"UNITED STATES", 1}};
static const char *const words[] = {
    "accounts",     "packages", "deposits", "requests",   "instructions", "theodolites",
    "pinto",        "beans",    "foxes",    "ideas",      "platelets",    "asymptotes",
    "dependencies", "excuses",  "dolphins", "furiously",  "slyly",        "carefully",
    "blithely",     "quickly",  "fluffily", "ruthlessly", "special",      "pending",
    "unusual",      "express",  "final",    "regular",    "bold",         "even",
    "ironic",       "silent",   "sleep",    "wake",       "haggle",       "nag",
    "use",          "boost",    "detect",   "integrate",  "cajole",       "about",
    "above",        "across",   "after",    "among",      "the",          "to",
    "according"};

static uint64_t state;
static double scale;
static const char *folder;

static uint64_t
next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* low .. high, both included */
static int64_t
between(int64_t low, int64_t high)
{
    return low + (int64_t)(next() % (uint64_t)(high - low + 1));
}

#define ONE_OF(a) ((a)[between(0, COUNT(a) - 1)])

static int64_t
rows(int64_t at_one)
{
    int64_t n = (int64_t)((double)at_one * scale + 0.5);
    return n < 1 ? 1 : n;
}

static FILE *
open_file(const char *table, int part)
{
    char path[4096];
    snprintf(path, sizeof path, part < 0 ? "%s/%s" : "%s/%s.%d", folder, table, part);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    setvbuf(f, NULL, _IOFBF, 1 << 20);
    return f;
}

static void
close_file(FILE *f)
{
    if (fclose(f)) {
        perror("write");
        exit(1);
    }
}

/* For row i (from 0) of a large table: its file. */
static FILE *
file_for(FILE *f, const char *table, int64_t i)
{
    if (i % ROWS_IN_A_FILE)
        return f;
    if (f)
        close_file(f);
    return open_file(table, (int)(i / ROWS_IN_A_FILE));
}

/* A text of random length; a word that does not fit is cut. */
static char *
text(char *out, int low, int high)
{
    int want = (int)between(low, high), n = 0;
    while (n < want) {
        const char *w = ONE_OF(words);
        int len = (int)strlen(w);
        if (n)
            out[n++] = ' ';
        if (len > want - n)
            len = want - n;
        memcpy(out + n, w, (size_t)len);
        n += len;
    }
    while (n > 1 && out[n - 1] == ' ')
        out[n - 1] = 'x'; /* ends of texts do not depend on how collations see spaces */
    out[n] = 0;
    return out;
}

static char *
address(char *out)
{
    static const char set[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,";
    int n = (int)between(10, 40);
    for (int i = 0; i < n; i++)
        out[i] = set[between(0, (int64_t)sizeof set - 2)];
    out[n] = 0;
    return out;
}

static char *
phone(char *out, int nation)
{
    snprintf(out, 20, "%02d-%03d-%03d-%04d", nation + 10, (int)between(100, 999),
             (int)between(100, 999), (int)between(1000, 9999));
    return out;
}

static char *
money(char *out, int64_t cents)
{
    snprintf(out, 32, "%s%" PRId64 ".%02d", cents < 0 ? "-" : "",
             (cents < 0 ? -cents : cents) / 100, (int)((cents < 0 ? -cents : cents) % 100));
    return out;
}

/* Days since 1992-01-01 as a date. */
static char *
date(char *out, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1992, month = 0;
    for (int n; day >= (n = year % 4 ? 365 : 366); year++)
        day -= n;
    for (int n; day >= (n = lengths[month] + (month == 1 && year % 4 == 0)); month++)
        day -= n;
    snprintf(out, 32, "%d-%02d-%02d", year, month + 1, day + 1);
    return out;
}

static int64_t
retail_price(int64_t part)
{
    return 90000 + part / 10 % 20001 + 100 * (part % 1000);
}

/* The i-th of the four suppliers of a part. */
static int64_t
supplier_of(int64_t part, int i)
{
    int64_t s = rows(10000);
    return (part + i * (s / 4 + (part - 1) / s)) % s + 1;
}

static void
fixed_tables(void)
{
    char t[200];
    FILE *f = open_file("region", -1);
    for (int i = 0; i < COUNT(regions); i++)
        fprintf(f, "%d\t%s\t%s\n", i, regions[i], text(t, 31, 115));
    close_file(f);
    f = open_file("nation", -1);
    for (int i = 0; i < COUNT(nations); i++)
        fprintf(f, "%d\t%s\t%d\t%s\n", i, nations[i].name, nations[i].region, text(t, 31, 114));
    close_file(f);
}

/* In 5 of 10,000 each the comment tells of complaints or of recommendations. */
static void
suppliers(void)
{
    FILE *f = open_file("supplier", -1);
    char a[64], p[32], m[32], t[200];
    for (int64_t i = 1, n = rows(10000); i <= n; i++) {
        int nation = (int)between(0, 24);
        address(a), phone(p, nation), money(m, between(-99999, 999999)), text(t, 25, 100);
        const char *what = i % 2000 == 403 ? "Complaints" : i % 2000 == 877 ? "Recommends" : NULL;
        if (what)
            snprintf(t, sizeof t, "slyly Customer %s%s", ONE_OF(words), what);
        fprintf(f, "%" PRId64 "\tSupplier#%09" PRId64 "\t%s\t%d\t%s\t%s\t%s\n", i, i, a, nation, p,
                m, t);
    }
    close_file(f);
}

static void
parts(void)
{
    FILE *f = open_file("part", -1);
    char m[32], t[64];
    for (int64_t i = 1, n = rows(200000); i <= n; i++) {
        int w[5];
        for (int k = 0; k < 5; k++) {
        again:
            w[k] = (int)between(0, COUNT(colours) - 1);
            for (int j = 0; j < k; j++)
                if (w[j] == w[k])
                    goto again;
        }
        int maker = (int)between(1, 5), brand = (int)between(1, 5);
        const char *t1 = ONE_OF(type1), *t2 = ONE_OF(type2), *t3 = ONE_OF(type3),
                   *c1 = ONE_OF(container1), *c2 = ONE_OF(container2);
        int size = (int)between(1, 50);
        fprintf(f,
                "%" PRId64
                "\t%s %s %s %s %s\tManufacturer#%d\tBrand#%d%d\t%s %s %s\t%d\t%s %s\t%s\t%s\n",
                i, colours[w[0]], colours[w[1]], colours[w[2]], colours[w[3]], colours[w[4]], maker,
                maker, brand, t1, t2, t3, size, c1, c2, money(m, retail_price(i)), text(t, 5, 22));
    }
    close_file(f);
}

static void
parts_of_suppliers(void)
{
    FILE *f = NULL;
    char m[32], t[256];
    int64_t row = 0;
    for (int64_t p = 1, n = rows(200000); p <= n; p++) {
        for (int i = 0; i < 4; i++) {
            f = file_for(f, "partsupp", row++);
            int quantity = (int)between(1, 9999);
            fprintf(f, "%" PRId64 "\t%" PRId64 "\t%d\t%s\t%s\n", p, supplier_of(p, i), quantity,
                    money(m, between(100, 100000)), text(t, 49, 198));
        }
    }
    close_file(f);
}

static void
customers(void)
{
    FILE *f = open_file("customer", -1);
    char a[64], p[32], m[32], t[200];
    for (int64_t i = 1, n = rows(150000); i <= n; i++) {
        int nation = (int)between(0, 24);
        address(a), phone(p, nation), money(m, between(-99999, 999999));
        const char *segment = ONE_OF(segments);
        fprintf(f, "%" PRId64 "\tCustomer#%09" PRId64 "\t%s\t%d\t%s\t%s\t%s\t%s\n", i, i, a, nation,
                p, m, segment, text(t, 29, 116));
    }
    close_file(f);
}

static void
orders(void)
{
    enum { TODAY = 1263, LAST = 2556 - 151 }; /* 1995-06-17; 151 days before 1998-12-31 */
    FILE *f = NULL, *l = NULL;
    int64_t lines = 0, clerks = rows(1000), all_customers = rows(150000), all_parts = rows(200000);
    char d1[32], d2[32], d3[32], m[32], t[128];
    for (int64_t i = 0, n = rows(1500000); i < n; i++) {
        int64_t key = i / 8 * 32 + i % 8 + 1, customer, total = 0; /* 8 of 32 keys are used */
        do
            customer = between(1, all_customers);
        while (customer % 3 == 0 && all_customers > 2);
        int day = (int)between(0, LAST), count = (int)between(1, 7), open = 0;
        for (int k = 1; k <= count; k++) {
            int64_t part = between(1, all_parts), supplier = supplier_of(part, (int)between(0, 3)),
                    quantity = between(1, 50);
            int discount = (int)between(0, 10), tax = (int)between(0, 8);
            int ship = day + (int)between(1, 121), commit = day + (int)between(30, 90),
                receipt = ship + (int)between(1, 30);
            int64_t price = quantity * retail_price(part);
            char flag = receipt <= TODAY ? "RA"[between(0, 1)] : 'N',
                 status = ship > TODAY ? 'O' : 'F';
            const char *instruction = ONE_OF(instructions), *mode = ONE_OF(modes);
            open += status == 'O';
            total += (price * (100 - discount) / 100) * (100 + tax) / 100;
            l = file_for(l, "lineitem", lines++);
            fprintf(l,
                    "%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%d\t%" PRId64
                    "\t%s\t0.%02d\t0.%02d\t%c\t%c\t%s\t%s\t%s\t%s\t%s\t%s\n",
                    key, part, supplier, k, quantity, money(m, price), discount, tax, flag, status,
                    date(d1, ship), date(d2, commit), date(d3, receipt), instruction, mode,
                    text(t, 10, 43));
        }
        const char *priority = ONE_OF(priorities);
        int64_t clerk = between(1, clerks);
        f = file_for(f, "orders", i);
        fprintf(f, "%" PRId64 "\t%" PRId64 "\t%c\t%s\t%s\t%s\tClerk#%09" PRId64 "\t0\t%s\n", key,
                customer,
                open == count ? 'O'
                : open        ? 'P'
                              : 'F',
                money(m, total), date(d1, day), priority, clerk, text(t, 19, 78));
    }
    close_file(f);
    close_file(l);
}

int
main(int argc, char **argv)
{
    if (argc != 3 || (scale = atof(argv[2])) <= 0) {
        fprintf(stderr, "usage: tpchgen DIRECTORY SCALE\n");
        return 2;
    }
    folder = argv[1];
    state = 19;
    fixed_tables();
    suppliers();
    parts();
    parts_of_suppliers();
    customers();
    orders();
    return 0;
}
