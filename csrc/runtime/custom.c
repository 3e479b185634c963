/* The table of the user's functions. */
#include "runtime/custom.h"

static fnn_custom_function table[FNN_MAX_CUSTOM][2][FNN_CUSTOM_PLACES];

void fnn_set_custom(int number, int is_double, int place, fnn_custom_function function) {
    table[number - FNN_CUSTOM][is_double][place] = function;
}

fnn_custom_function fnn_get_custom(int number, int is_double, int place) {
    return table[number - FNN_CUSTOM][is_double][place];
}
