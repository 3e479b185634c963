"""Data sets: readers for the common file formats, splits, augmentation, and `glyphs`, which needs no files."""

from fastnn.data.augmentation import Augmentation
from fastnn.data.dataset import Dataset
from fastnn.data.download import fetch
from fastnn.data.idx import read_idx
from fastnn.data.image_folders import Labelled, read_image_folder
from fastnn.data.loading import load, memory_needed
from fastnn.data.mat import read_mat
from fastnn.data.named_datasets import NAMED
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
    "NAMED",
    "Augmentation",
    "Dataset",
    "Labelled",
    "ListedPhotos",
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
    "read_mat",
    "read_npy",
    "read_npz",
    "read_photo_list",
    "read_pickle",
    "split_indices",
    "study_split",
    "train_test_split",
]
