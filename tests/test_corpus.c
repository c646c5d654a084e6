/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * test_corpus.c - replays what a fuzzer once found worth keeping: tests/corpus/manager. */
#include "tests/frame.h"
#include "tests/fuzz_manager.h"

#include <CUnit/CUnit.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MOST (1 << 20)

static unsigned replay(const char *folder)
{
    static uint8_t input[INPUT_MOST];
    char path[2048];
    unsigned count = 0;
    DIR *dir = opendir(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        size_t size = fread(input, 1, sizeof input, file);
        fclose(file);
        CU_ASSERT_EQUAL(LLVMFuzzerTestOneInput(input, size), 0);
        count++;
    }
    closedir(dir);
    return count;
}

static void manager_survives(void)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", frame_source("tests/corpus/manager"));
    CU_ASSERT(replay(folder) > 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"corpus: a manager survives its inputs", manager_survives, 60},
        {.name = NULL},
    };
    return frame_main(argc, argv, tests);
}
