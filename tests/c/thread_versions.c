/* A thread that still looks for tasks of a call that is over finds none, in whatever version: the versions of calls are
 * 32 bits, and old ones are forgotten every REFRESH of them. tests/kernels/test_thread_versions.py builds and runs it.
 */
#include "../../csrc/runtime/thread_team.c"

#include <stdio.h>
#include <string.h>

enum { THREADS = 2, TASKS = 6 };
static int times_run[TASKS];

static void count(void *context, int task) {
    (void)context;
    times_run[task]++;
}

int main(void) {
    static fnn_team team;
    fnn_team_init(&team, THREADS); /* nobody works but this thread, which takes over the tasks of the other */
    atomic_store(&team.groups[0].version, (uint32_t)REFRESH - 8);
    int failed = 0;
    for (int i = 0; i < 8; i++) {
        memset(times_run, 0, sizeof times_run);
        fnn_team_run(&team, TASKS, count, NULL);
        const call over = {.version = atomic_load(&team.groups[0].version), .tasks = TASKS, .threads = THREADS};
        for (int task = 0; task < TASKS; task++) failed += times_run[task] != 1;
        call next = {.tasks = TASKS, .threads = THREADS};
        publish(&team, &next);
        for (int owner = 0; owner < THREADS; owner++) failed += begin(&team, &over, owner) != -1;
        for (int owner = 0; owner < THREADS; owner++)
            for (int task = 0; task < TASKS / THREADS; task++)
                failed += begin(&team, &next, owner) != owner * (TASKS / THREADS) + task;
        atomic_fetch_add(&team.groups[0].finished, TASKS);
    }
    printf("version %#x: %d failed\n", (unsigned)atomic_load(&team.groups[0].version), failed);
    return failed != 0;
}
