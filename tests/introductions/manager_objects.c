/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * manager_objects.c - a manager holds a Value, an Array and a list; a child changes all three.
 *
 *     server = Manager()
 *     x = server.Value('d', 0.0)
 *     arr = server.Array('i', range(10))
 *     l = server.list()
 *     proc = Process(target=f, args=(x, arr, l)); proc.start(); proc.join()
 *     print(x.value); print(arr); print(l)
 *
 * The same calls as in value_array.c: only the strategy says where the objects live. */
#include "tests/introductions/introduction.h"

enum { WORD_BYTES = 16 };

struct shared {
    struct object *x, *arr, *l;
};

static int f(struct worker *self, void *arg)
{
    static const char hello[WORD_BYTES] = "hello";
    const struct shared *shared = arg;
    bool done = element_set(self, shared->x, 0, &(double){3.14}, 1) == 1 &&
                element_set(self, shared->arr, 0, &(int32_t){5}, 1) == 1 && list_append(self, shared->l, hello, 1) == 1;
    return done ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const int32_t range[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct setup setup = {.workers = 1, .processes = 1};
    POOL_SCOPE struct pool *server = NULL;
    must(pool_open(&server, strategy_named(argc, argv, "manager-socket"), &setup, &error));
    struct shared shared = {
        .x = value_new(server, TYPE_F64, &(double){0.0}, &error),
        .arr = array_new(server, TYPE_I32, 0, 10, range, &error),
        .l = list_new(server, WORD_BYTES, 10, &error),
    };
    must(shared.x && shared.arr && shared.l ? 0 : -1);
    must(pool_start(server, &error));

    struct process *proc;
    must(process_start(&proc, server, f, &shared, &error));
    must(process_join(proc, NEVER, NULL, &error));
    must(process_free(proc, &error));

    double x = 0;
    int32_t arr[10] = {0};
    char words[10][WORD_BYTES];
    object_read(pool_parent(server), shared.x, &x, sizeof x);
    object_read(pool_parent(server), shared.arr, arr, sizeof arr);
    int64_t n = object_read(pool_parent(server), shared.l, words, sizeof words) / WORD_BYTES;
    printf("%g\n", x);
    print_integers(arr, 10);
    for (int64_t i = 0; i < n; i++)
        printf("%s'%s'", i ? ", " : "[", words[i]);
    puts("]");
    return 0;
}
