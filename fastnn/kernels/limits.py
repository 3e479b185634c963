"""Numbers that Python and C must agree on; C gets them, as FNN_…, through a generated header.

Nothing is imported here, because the build reads this file before there is a package to import.
"""

BLOCK_IMAGES = 16  # images of a block in the layout NCHW16n
SCRATCH_BYTES = 4 << 20  # of the workspace that each thread has
FUSED_BATCH = 4096  # samples up to which a weight gradient is one chain of sums, so that it need not be stored
WINDOW_CELLS = 1024  # of a pooling window that is taken in the convolution before it
MOMENT_PIECES = 16  # of each block of images, whose sums a batch norm's statistics are made of, at most

# Winograd's algorithm: tiles of POINTS × POINTS inputs
WINOGRAD_POINTS = 6
WINOGRAD_FILTER_BLOCK = 24  # filters of a block of transformed weights
WINOGRAD_HELD_FILTERS = 2 * WINOGRAD_FILTER_BLOCK  # filters whose products a thread of the forward pass holds
WINOGRAD_TILE_BLOCKS = 4  # blocks of 16 tiles whose products are held together where images are few
WINOGRAD_CHUNK_BLOCKS = 8  # blocks of 16 tiles whose transformed values the weight gradient holds at a time
WINOGRAD_SMALL_CHANNELS = 48  # up to so many channels go through a tile at once
WINOGRAD_SMALL_PAIRS = 680  # channels × filters up to which the weight gradient does so too
