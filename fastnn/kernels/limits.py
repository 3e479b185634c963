"""Numbers that Python and C must agree on. C gets them through a generated header, with the prefix FNN_.

Nothing is imported here, because the build reads this file before there is a package to import.
"""

MAX_THREADS = 256
THREAD_GROUP = 8  # threads that share the cache lines by which they are called and counted
THREAD_SPEED = 64  # multiply-adds that a thread is expected to do in a nanosecond, in a step of few samples
BLOCK_IMAGES = 16  # images in a block of the layout NCHW16n
SCRATCH_BYTES = 4 << 20  # size of the workspace of each thread
FUSED_BATCH = 4096  # up to so many samples a weight gradient is one chain of sums, so that it need not be stored
WINDOW_CELLS = 1024  # cells that a pooling window may have to be fused into the convolution before it
AVERAGE_WARM_STEPS = 10  # steps until a moving average may keep half of what it was
MOMENT_PIECES = 16  # a block of images is divided into at most so many pieces for the sums of a batch norm's statistics

CUSTOM = 64  # activations, losses, update rules and layers from this number on are the user's own
PRELU = 0  # the learned activation that is built in; what else has learned numbers is the user's own
MAX_CUSTOM = 1024  # there may be so many of them

# The noise of a pixel is made of the sum of four random bytes.
NOISE_BYTES_MEAN = 510
NOISE_BYTES_VARIANCE = 21845

# Winograd's algorithm: tiles of POINTS × POINTS inputs
WINOGRAD_POINTS = 6
WINOGRAD_FILTER_BLOCK = 24  # filters in a block of transformed weights
WINOGRAD_PADDING = 32  # so many filters and channels may fill up a block of weights that are split into bf16 numbers
WINOGRAD_HELD_FILTERS = 2 * WINOGRAD_FILTER_BLOCK  # filters for which a thread of the forward pass holds products
WINOGRAD_TILE_BLOCKS = 4  # blocks of 16 tiles that a thread holds products for, if images are few
WINOGRAD_CHUNK_BLOCKS = 8  # blocks of 16 tiles that the weight gradient holds transformed values for
WINOGRAD_SMALL_CHANNELS = 48  # up to so many channels are processed together in a tile
WINOGRAD_SMALL_PAIRS = 680  # up to so many channels × filters, also in the weight gradient
