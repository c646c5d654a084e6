/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_records.c - which folder holds the records: the option, the variables in their order, and none of them. */
#include "tests/frame.h"

#include "harness/records.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

static const char *const VARIABLES[] = {"MUSTER_RECORDS", "XDG_STATE_HOME", "HOME"};

enum { COUNT = sizeof VARIABLES / sizeof *VARIABLES };

/* The folder under these variables, NULL for one that is not set; the environment is put back. */
static void expect(const char *asked, const char *const values[COUNT], const char *wanted)
{
    char *kept[COUNT], *folder;
    struct problem problem = {.code = EXIT_FINE};
    for (size_t i = 0; i < COUNT; i++) {
        const char *before = getenv(VARIABLES[i]);
        kept[i] = before ? strdup(before) : NULL;
        if (values[i])
            setenv(VARIABLES[i], values[i], 1);
        else
            unsetenv(VARIABLES[i]);
    }
    folder = records_folder(asked, &problem);
    for (size_t i = 0; i < COUNT; i++) {
        if (kept[i])
            setenv(VARIABLES[i], kept[i], 1);
        else
            unsetenv(VARIABLES[i]);
        free(kept[i]);
    }
    if (wanted) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
        CU_ASSERT_STRING_EQUAL(folder, wanted);
    } else {
        CU_ASSERT_PTR_NULL(folder);
        CU_ASSERT_EQUAL(problem.code, EXIT_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "--records DIR"));
    }
    free(folder);
}

static void in_their_order(void)
{
    expect("here", (const char *const[]){"/r", "/state", "/home/x"}, "here");
    expect(NULL, (const char *const[]){"/r", "/state", "/home/x"}, "/r");
    expect(NULL, (const char *const[]){"records", "/state", "/home/x"}, "records");
    expect(NULL, (const char *const[]){NULL, "/state", "/home/x"}, "/state/muster");
    expect(NULL, (const char *const[]){NULL, NULL, "/home/x"}, "/home/x/.local/state/muster");
}

static void what_counts_as_none(void)
{
    expect(NULL, (const char *const[]){"", "/state", "/home/x"}, "/state/muster");
    expect(NULL, (const char *const[]){"", "state", "/home/x"}, "/home/x/.local/state/muster");
    expect(NULL, (const char *const[]){"", "", ""}, NULL);
    expect(NULL, (const char *const[]){NULL, NULL, NULL}, NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {.name = "records: the option, then the variables in their order", .run = in_their_order},
        {.name = "records: an empty variable is none, nor is a relative state folder one", .run = what_counts_as_none},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
