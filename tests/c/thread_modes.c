/* Each thread of a call computes with subnormal numbers, or with zeros in their place, as its caller does then.
 * tests/kernels/test_thread_versions.py builds and runs it.
 */
#include "../../csrc/runtime/thread_team.c"

#include <stdio.h>

enum { THREADS = 3, CALLS = 6 };
static fnn_team team;
static atomic_int begun, failed;

FNN_THREAD_FUNCTION(work, argument) {
    fnn_team_work(&team, *(int *)argument);
    return FNN_THREAD_END;
}

/* Waits for the tasks of the other threads, so that each thread runs one. */
static void look_at_mode(void *context, int task) {
    (void)task;
    atomic_fetch_add(&begun, 1);
    while (atomic_load(&begun) < THREADS) relax();
    if ((fnn_get_float_mode() & FNN_FLUSHES) != *(const fnn_float_mode *)context) atomic_fetch_add(&failed, 1);
}

int main(void) {
    static int index[THREADS];
    static fnn_thread thread[THREADS];
    fnn_team_init(&team, THREADS);
    for (int i = 1; i < THREADS; i++) {
        index[i] = i;
        if (!fnn_thread_start(&thread[i], work, &index[i])) return 2;
    }
    for (int i = 0; i < CALLS; i++) {
        const int flushes = i % 3 != 0; /* twice the same, and both changes */
        fnn_float_mode expected = flushes ? FNN_FLUSHES : 0;
        const fnn_float_mode before = fnn_flush_subnormals(flushes);
        atomic_store(&begun, 0);
        fnn_team_run(&team, THREADS, look_at_mode, &expected);
        fnn_restore_float_mode(before, flushes);
    }
    fnn_team_stop(&team, THREADS);
    for (int i = 1; i < THREADS; i++) fnn_thread_join(thread[i]);
    fnn_team_destroy(&team);
    printf("%d failed\n", atomic_load(&failed));
    return atomic_load(&failed) != 0;
}
