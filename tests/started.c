/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * started.c - processes of tests, and what must come of them. */
#include "tests/started.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct process *started(process_fn *fn, void *arg)
{
    struct process *p = NULL;
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL_FATAL(process_start(&p, NULL, fn, arg, &error), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

int joined(struct process *p)
{
    int code = 1000;
    struct error error = {.code = ERROR_NONE};
    CU_ASSERT_EQUAL(process_join(p, 10 * SOON_NS, &code, &error), 0);
    CU_ASSERT_EQUAL(process_free(p, NULL), 0);
    return code;
}

void expect_code(int result, const struct error *error, enum error_code code)
{
    CU_ASSERT_EQUAL(result, -1);
    if (error->code != code)
        fprintf(stderr, "code %d, text: %s\n", (int)error->code, error->text);
    CU_ASSERT_EQUAL(error->code, code);
    CU_ASSERT(strlen(error->text) > 0);
}

int sleeping(struct worker *self, void *arg)
{
    (void)self, (void)arg;
    while (pause())
        continue;
    return 0;
}

int returning(struct worker *self, void *arg)
{
    (void)self;
    return *(const int *)arg;
}
