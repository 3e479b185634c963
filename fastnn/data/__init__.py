"""Data sets: readers for common file formats, splits, augmentation, and `glyphs`, which needs no files.

`load` takes the name of a data set or a path. A path may lead to

- a folder with the four IDX files of MNIST, gzipped or not (`read_idx`);
- a MAT file, or a folder with one (or with train....mat and test....mat), that holds train0 ... train9 and test0 ...
  test9 or named arrays (`read_mat`);
- an .npz file, or a folder with one (`read_npz`);
- a folder of .npy files (`read_npy`);
- mnist.pkl.gz, the batches of CIFAR-10 (their folder or their .tar.gz) or another pickle of plain arrays
  (`read_pickle`);
- a text table (.csv), or a folder with one for training and one for testing (`read_csv`);
- a folder of PNG, JPEG or other images for each class, such folders inside train and test (or val), or a .zip, .tar or
  .tar.gz archive of them (`read_image_folder`).
"""

from fastnn.data.augmentation import Augmentation
from fastnn.data.dataset import Dataset
from fastnn.data.download import fetch
from fastnn.data.idx import read_idx
from fastnn.data.image_folders import LabelledImages, read_image_folder
from fastnn.data.loading import load, memory_needed
from fastnn.data.loose_images import LooseImages, read_images
from fastnn.data.mat import read_mat
from fastnn.data.named_datasets import NAMED_DATASETS
from fastnn.data.npy import read_npy
from fastnn.data.npz import read_npz
from fastnn.data.photo_list import ListedPhotos, read_photo_list
from fastnn.data.pickled import read_pickle
from fastnn.data.scaling import Standardizer, from_one_hot, one_hot
from fastnn.data.splits import split_indices, train_test_split
from fastnn.data.study_splits import Split, per_class_split, study_split
from fastnn.data.synthetic import glyphs
from fastnn.data.tables import Table, read_csv

__all__ = [
    "NAMED_DATASETS",
    "Augmentation",
    "Dataset",
    "LabelledImages",
    "ListedPhotos",
    "LooseImages",
    "Split",
    "Standardizer",
    "Table",
    "fetch",
    "from_one_hot",
    "glyphs",
    "load",
    "memory_needed",
    "one_hot",
    "per_class_split",
    "read_csv",
    "read_idx",
    "read_image_folder",
    "read_images",
    "read_mat",
    "read_npy",
    "read_npz",
    "read_photo_list",
    "read_pickle",
    "split_indices",
    "study_split",
    "train_test_split",
]
