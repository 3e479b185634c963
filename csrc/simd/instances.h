/* Makes an instance of a function for each of some small numbers: UP_TO_n(_, a) is _(a, 1) … _(a, n). */
#ifndef FASTNN_SIMD_INSTANCES_H
#define FASTNN_SIMD_INSTANCES_H

#define UP_TO_2(_, a) _(a, 1) _(a, 2)
#define UP_TO_3(_, a) UP_TO_2(_, a) _(a, 3)
#define UP_TO_4(_, a) UP_TO_3(_, a) _(a, 4)
#define UP_TO_5(_, a) UP_TO_4(_, a) _(a, 5)
#define UP_TO_6(_, a) UP_TO_5(_, a) _(a, 6)
#define UP_TO_7(_, a) UP_TO_6(_, a) _(a, 7)
#define UP_TO_8(_, a) UP_TO_7(_, a) _(a, 8)
#define UP_TO_10(_, a) UP_TO_8(_, a) _(a, 9) _(a, 10)

#endif
