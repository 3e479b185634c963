/* The algorithms that solve a convolution problem of plain images, to the same bits. */
#ifndef FASTNN_CONV_CONV_ALGORITHMS_H
#define FASTNN_CONV_CONV_ALGORITHMS_H

#include "conv/conv_problem.h"

/* conv/implicit_gemm.c: a matrix product whose right factor is packed from the images block by block. */
void FN(conv_implicit_gemm)(const conv_problem *c);

/* conv/direct.c: for few rows in a group. Several problems of the same images, such as the phases of an input gradient
 * with a stride, are solved side by side. */
enum { CONV_DIRECT_MAX_PROBLEMS = 4 };
bool FN(conv_direct_serves)(const conv_problem *c);
void FN(conv_direct)(const conv_problem *problems, int count);

#endif
