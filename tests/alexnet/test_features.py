"""`AlexNetFeatures` takes images of every kind, works in pipelines, and caches features on disk."""

import dataclasses
import io
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from data_files import shared
from strategies import same_bits

from fastnn.alexnet import DESCRIPTIONS, AlexNetFeatures, Extractor, Preprocessing, Weights, image_files
from fastnn.alexnet.images import decode_part, views_of_array
from fastnn.alexnet.store import FeatureStore
from fastnn.alexnet.views import VIEWS, View

pil = pytest.importorskip("PIL.Image")
SIDE = 227


@pytest.fixture(scope="module")
def weights():
    mean = np.random.default_rng(0).uniform(90, 140, (3, 256, 256)).astype("f4")
    return Weights(DESCRIPTIONS["theano"], Weights.random("theano", seed=1, up_to="conv1").tensors, mean)


def pixels(n, seed=0, shape=(40, 52, 3)):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def write(folder, images, names=None):
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / (names[i] if names else f"{i:04d}.png") for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        pil.fromarray(image).save(path)
    return paths


def encoded(image, kind="png", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# --- preprocessing ---


def by_hand(image, preprocessing, crop, mean=None):
    """The image resized as a whole, then cropped."""
    width, height = image.size
    if preprocessing.fit == "stretch":
        sides = (preprocessing.resize,) * 2
    else:
        sides = (preprocessing.resize * width // min(image.size), preprocessing.resize * height // min(image.size))
    whole = np.asarray(image.resize(sides, pil.Resampling.BILINEAR)).astype("f4")
    first = (preprocessing.resize - crop) // 2 if preprocessing.offset is None else preprocessing.offset
    left, top = (round((side - preprocessing.resize) / 2) + first for side in sides)
    part = whole[top : top + crop, left : left + crop].transpose(2, 0, 1)
    if preprocessing.channels == "BGR":
        part = part[::-1]
    if mean is not None:
        return (part - mean[:, first : first + crop, first : first + crop]) * preprocessing.scale
    return (part * preprocessing.scale - np.reshape(preprocessing.mean, (3, 1, 1))) / np.reshape(
        preprocessing.deviation, (3, 1, 1)
    )


@pytest.mark.parametrize("size", [(500, 375), (130, 211), (256, 256), (64, 700), (1, 1)])
@pytest.mark.parametrize("like", DESCRIPTIONS)
def test_preprocessing_is_that_of_the_description(like, size):
    rng = np.random.default_rng(1)
    image = pil.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    p, crop = DESCRIPTIONS[like].preprocessing, 224
    mean = rng.uniform(0, 255, (3, 256, 256)).astype("f4") if like == "theano" else None
    part = decode_part(encoded(image), "image", p, crop)
    got = p.apply(part[None], mean, np.empty((1, 3, crop, crop), "f4"))[0]
    level = p.scale / min(
        p.deviation
    )  # the size of one step of a pixel, because a crop is resized by itself and rounded to 8 bits
    assert np.abs(got - by_hand(image, p, crop, mean)).max() <= 1.001 * level


def test_a_crop_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="a part of 227 pixels from 40 does not lie in 256"):
        Preprocessing(offset=40).first(227)


@pytest.mark.parametrize("shape", [(256, 256), (256, 300), (280, 256)])
def test_corners_are_those_of_the_square(shape):
    """An image whose shorter side needs no resizing: its corners are its own pixels, mirrored ones reversed."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    p = Preprocessing(resize=256, offset=16)
    parts = views_of_array(image, p, 227, VIEWS[12])
    top, left = ((side - 256) // 2 for side in shape)
    square = image[top : top + 256, left : left + 256].transpose(2, 0, 1)
    starts = [(16, 16), (0, 0), (0, 29), (29, 0), (29, 29)]
    for k, (row, column) in enumerate(starts):
        want = square[:, row : row + 227, column : column + 227]
        assert np.array_equal(parts[k], want)
        assert np.array_equal(parts[k + 6], want[:, :, ::-1])
    stretched = dataclasses.replace(p, fit="stretch")
    assert np.array_equal(parts[5], views_of_array(image, stretched, 227, VIEWS[1])[0])
    mean = np.random.default_rng(1).random((3, 256, 256), dtype=np.float32)
    places = [view.place for view in VIEWS[12]]
    prepared = p.apply(np.stack(parts), mean, np.empty((12, 3, 227, 227), "f4"), places)
    for k, (row, column) in enumerate(starts):
        assert np.array_equal(prepared[k], parts[k] - mean[:, row : row + 227, column : column + 227])


def test_rows_of_an_image_are_the_rows_of_its_views(weights, tmp_path):
    """Whatever is kept already, and with no store at all; damaged images have none."""
    paths = write(tmp_path / "photos", pixels(4))
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    stored = Extractor(weights, "conv1", cache=tmp_path / "c", batch_size=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ones = [stored(paths, views=[view]).features for view in VIEWS[12]]
        ten = stored(paths, views=VIEWS[12])
        free = Extractor(weights, "conv1", cache=False, batch_size=7)(paths, views=VIEWS[12])
    assert ten.kept.tolist() == [k for k in (0, 2, 3) for _ in range(12)]
    assert ten.of_first_view(12).kept.tolist() == [0, 2, 3]
    for k, features in enumerate(ones):
        assert same_bits(np.asarray(ten.features[k::12]), np.asarray(features))
        assert same_bits(np.asarray(free.features[k::12]), np.asarray(features))


# --- kinds of images ---


def flat(value, mode="RGB", size=(9, 7)):
    return pil.new(mode, size, value)


DEEP = np.full((7, 9), 40000, np.uint16)
KINDS = {
    "rgb": (encoded(flat((10, 20, 30))), (10, 20, 30)),
    "grey": (encoded(flat(77, "L")), (77, 77, 77)),
    "bilevel": (encoded(flat(1, "1")), (255, 255, 255)),
    "palette": (encoded(flat((10, 20, 30)).convert("P", palette=pil.Palette.ADAPTIVE)), (10, 20, 30)),
    "opaque": (encoded(flat((10, 20, 30, 255), "RGBA")), (10, 20, 30)),
    "transparent": (encoded(flat((10, 20, 30, 0), "RGBA")), (255, 255, 255)),
    "half transparent grey": (encoded(flat((100, 51), "LA")), (224, 224, 224)),
    "cmyk": (encoded(flat((0, 255, 255, 0), "CMYK"), "jpeg", quality=100), (255, 0, 0)),
    "16 bits": (encoded(pil.fromarray(DEEP)), (156, 156, 156)),
    "16-bit pgm": (b"P5 9 7 65535\n" + DEEP.astype(">u2").tobytes(), (156, 156, 156)),
    "one pixel": (encoded(flat((1, 2, 3), size=(1, 1))), (1, 2, 3)),
    "ppm": (encoded(flat((4, 5, 6)), "ppm"), (4, 5, 6)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_is_taken(kind):
    data, colour = KINDS[kind]
    part = decode_part(data, kind, Preprocessing(), SIDE)
    assert part.shape == (3, SIDE, SIDE)
    assert np.abs(part.astype(int) - np.reshape(colour, (3, 1, 1))).max() <= (2 if kind == "cmyk" else 1)


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_in_exif_is_applied(turn):
    upright = pixels(1, shape=(60, 90, 3))[0]
    image = pil.fromarray(upright)
    back = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90"}
    back |= {7: "TRANSVERSE", 8: "ROTATE_270"}
    stored = image if turn == 1 else image.transpose(pil.Transpose[back[turn]])
    exif = pil.Exif()
    exif[0x0112] = turn
    p = Preprocessing()
    assert same_bits(
        decode_part(encoded(stored, exif=exif), "image", p, SIDE), decode_part(encoded(image), "image", p, SIDE)
    )


def test_pixels_and_files_give_the_same(weights, tmp_path):
    images = pixels(3)
    features = AlexNetFeatures(weights, "conv1", cache=False)
    grey = images[..., 0]
    assert same_bits(features.transform(images), features.transform(write(tmp_path / "a", images)))
    assert same_bits(features.transform(grey), features.transform(np.stack([grey] * 3, axis=-1)))


# --- batches, order, damage ---


def test_features_are_those_of_the_model(weights, tmp_path):
    """They do not depend on the size of a batch; the images are prepared by hand."""
    images = pixels(11)
    paths = write(tmp_path, images)
    p, side = weights.description.preprocessing, weights.form.image
    prepared = np.stack([by_hand(pil.fromarray(image), p, side, weights.mean_image) for image in images])
    want = weights.model("conv1.pool").forward(prepared).reshape(11, -1)
    found = [
        AlexNetFeatures(weights, "conv1.pool", batch_size=n, workers=k, cache=False).transform(paths)
        for n, k in ((64, None), (4, 1), (1, 3))
    ]
    assert same_bits(found[0], found[1])
    assert same_bits(found[0], found[2])
    assert np.abs(found[0] - want).max() < 0.02 * np.abs(want).max()  # crops are rounded to 8 bits


def test_a_folder_is_its_files_in_natural_order(weights, tmp_path):
    images = pixels(4)
    write(tmp_path / "photos", images, ["10.png", "9.jpg", "1.ppm", "b.jpeg"])
    found = image_files(tmp_path / "photos")
    assert [path.name for path in found.paths] == ["1.ppm", "9.jpg", "10.png", "b.jpeg"]
    assert found.labels is None
    features = AlexNetFeatures(weights, "conv1", cache=False)
    assert same_bits(features.transform(tmp_path / "photos"), features.transform(list(found.paths)))
    write(tmp_path / "sets" / "s10", images[:1])
    write(tmp_path / "sets" / "s2", images[1:])
    by_class = image_files(str(tmp_path / "sets"))
    assert by_class.class_names == ("s2", "s10")
    assert by_class.labels.tolist() == [0, 0, 0, 1]
    (tmp_path / "photos" / "more").mkdir()
    write(tmp_path / "photos" / "more", images[:1])
    with pytest.raises(ValueError, match="holds images and also folders of images"):
        image_files(tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no PNG"):
        image_files(tmp_path / "empty")


def test_mirrored_images_have_features_too(weights, tmp_path):
    """Their features are cached together with those of the images."""
    images = pixels(3, shape=(256, 256, 3))
    whole = Weights(dataclasses.replace(weights.description, preprocessing=Preprocessing(resize=227)), weights.tensors)
    extractor = Extractor(whole, "conv1", cache=tmp_path, batch_size=2)
    for _ in range(2):
        plain, mirrored = (extractor(images, views=[View(mirrored=m)]).features for m in (False, True))
        want = extractor(images[:, :, ::-1]).features
        assert np.abs(mirrored - want).max() < 0.02 * np.abs(want).max()
        assert not np.array_equal(plain, mirrored)
    assert index_size(tmp_path) == 9


@pytest.mark.parametrize("cache", [True, False])
def test_damaged_images_are_named_counted_and_skipped(weights, tmp_path, cache):
    paths = write(tmp_path / "photos", pixels(9))
    paths[2].write_bytes(paths[2].read_bytes()[:200])
    paths[5].write_text("no image")
    options = {"cache": tmp_path / "cache" if cache else False, "batch_size": 4}
    features = AlexNetFeatures(weights, "conv1", **options)
    with pytest.warns(UserWarning, match=r"2 of 9 images are damaged and skipped: .*0002.png: damaged.*0005.png: not"):
        found = features.extract(paths)
    assert found.kept.tolist() == [0, 1, 3, 4, 6, 7, 8]
    assert list(found.damaged) == [2, 5]
    assert same_bits(np.asarray(found.features), features.transform([paths[i] for i in found.kept]))
    with pytest.warns(UserWarning, match="2 of 9"):
        rows = features.transform(paths)
    assert rows.shape[0] == 9
    assert np.isnan(rows).any(axis=1).tolist() == [i in (2, 5) for i in range(9)]
    with pytest.raises(ValueError, match=r"0002.png: damaged image"):
        AlexNetFeatures(weights, "conv1", strict=True, **options).transform(paths)
    with pytest.raises(ValueError, match="every image is damaged"):
        features.transform([paths[5]])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        features.transform([tmp_path / "nowhere.png"])


@pytest.mark.parametrize(
    ("options", "images", "error", "text"),
    [
        ({}, np.zeros((2, 3)), TypeError, r"expected a folder, paths of images, or pixels .* got float64"),
        ({}, np.zeros((2, 3, 8, 8), np.uint8), ValueError, r"pixels must be \(N, H, W, 3\), red first"),
        ({}, [], TypeError, "expected a folder"),
        ({"cut": "conv9"}, None, ValueError, "cut: expected one of conv1, .*, got 'conv9'"),
        ({"cut": "conv3"}, None, ValueError, r"conv2.w \(256, 48, 5, 5\) is missing; conv2.b"),
        ({"device": "tpu"}, None, ValueError, 'device: expected "cpu", "cuda", "cuda:1" or "torch-cpu", got \'tpu\''),
        ({"batch_size": 0}, None, ValueError, "batch_size: expected a whole number of at least 1, got 0"),
        ({"workers": 0}, None, ValueError, "workers: expected a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(weights, options, images, error, text):
    images = pixels(1) if images is None else images
    with pytest.raises(error, match=text):
        AlexNetFeatures(weights, **({"cut": "conv1", "cache": False} | options)).fit_transform(images)


# --- scikit-learn ---


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_works_in_a_pipeline(weights, tmp_path):
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from fastnn.estimators import MLPClassifier

    dark, light = pixels(8) // 4, 192 + pixels(8, 1) // 4
    paths, y = write(tmp_path / "photos", [*dark, *light]), np.repeat(["dark", "light"], 8)
    head = MLPClassifier((8,), activation="tanh", max_iter=60, random_state=0)
    # raw features of this size saturate tanh, which learns nothing then
    whole = make_pipeline(AlexNetFeatures(weights, "conv1.pool", cache=tmp_path / "cache"), StandardScaler(), head)
    twin = clone(whole)
    assert whole.fit(paths, y).score(paths, y) == 1
    again = pickle.loads(pickle.dumps(whole))
    assert again.predict(paths).tolist() == whole.predict(paths).tolist()
    assert twin.fit(paths, y).predict(paths).tolist() == y.tolist()
    features = whole[0]
    assert len(features.get_feature_names_out()) == 96 * 27 * 27
    assert clone(features).get_params() == features.get_params()
    assert features.set_params(cut="conv1").transform(paths[:1]).shape == (1, 96 * 55 * 55)


def test_weights_from_a_file(weights, tmp_path):
    weights.save(tmp_path / "w.safetensors")
    from_file = AlexNetFeatures(tmp_path / "w.safetensors", "conv1", cache=False)
    images = pixels(2)
    want = AlexNetFeatures(weights, "conv1", cache=False).transform(images)
    assert same_bits(from_file.fit(images).transform(images), want)
    assert len(pickle.dumps(from_file)) < 2000
    assert same_bits(pickle.loads(pickle.dumps(from_file)).transform(images), want)


def test_pytorch_on_the_processor_gives_the_same(weights):
    pytest.importorskip("torch")
    images = pixels(5)
    ours, theirs = (
        AlexNetFeatures(weights, "conv1.norm", device=d, cache=False).transform(images) for d in ("cpu", "torch-cpu")
    )
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(ours).max()


def test_a_gpu_that_is_not_there_is_an_error(weights):
    torch = pytest.importorskip("torch")
    there = torch.cuda.device_count()
    with pytest.raises(ValueError, match=rf"device: 'cuda:{there}' is not there: PyTorch .* sees {there} CUDA devices"):
        AlexNetFeatures(weights, "conv1", device=f"cuda:{there}").fit(None)


def test_without_pytorch_the_error_names_the_command(weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"needs PyTorch: pip install 'fastnn-cpu\[torch\]'"):
        AlexNetFeatures(weights, "conv1", device="cuda").fit(None)


def test_neither_torch_nor_sklearn_is_imported_for_the_rest():
    code = "import sys, fastnn.alexnet; fastnn.alexnet.Weights.random(up_to='conv1').model('conv1')\n"
    code += "print([name for name in ('torch', 'sklearn', 'PIL', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- features on disk ---


def index_size(cache):
    return sum(path.stat().st_size // 32 for path in cache.glob("*/index"))


def test_kept_features_are_used_and_extended(weights, tmp_path, monkeypatch):
    cache, images = tmp_path / "cache", pixels(10)
    paths = write(tmp_path / "photos", images)
    first = AlexNetFeatures(weights, "conv1", cache=cache, batch_size=4)
    some = first.transform(paths[2:8])
    assert isinstance(some, np.memmap)
    assert not some.flags.writeable
    assert index_size(cache) == 6
    want = AlexNetFeatures(weights, "conv1", cache=False).transform(paths)
    assert same_bits(np.asarray(some), want[2:8])
    computed = []
    compute = Extractor._compute

    def counted(self, waiting, *rest):
        computed.append(len(waiting))
        compute(self, waiting, *rest)

    monkeypatch.setattr(Extractor, "_compute", counted)
    again = AlexNetFeatures(weights, "conv1", cache=cache)
    assert same_bits(
        np.asarray(again.transform(paths)), want
    )  # in the order of the call, although they are stored in another
    assert computed == [4]
    paths[0].rename(tmp_path / "elsewhere.png")
    assert same_bits(np.asarray(again.transform([tmp_path / "elsewhere.png", paths[9], paths[9]])), want[[0, 9, 9]])
    assert computed == [4]
    pil.fromarray(255 - images[1]).save(paths[1])
    assert not np.array_equal(again.transform([paths[1]])[0], want[1])
    assert computed == [4, 1]


def test_features_are_kept_by_weights_cut_preprocessing_and_device(weights, tmp_path):
    pytest.importorskip("torch")
    images, cache = pixels(1), tmp_path / "cache"
    other = Weights(weights.description, Weights.random("theano", seed=2, up_to="conv1").tensors, weights.mean_image)
    plain = Weights(weights.description, weights.tensors)
    for w, cut, device in (
        (weights, "conv1", "cpu"),
        (weights, "conv1.relu", "cpu"),
        (other, "conv1", "cpu"),
        (plain, "conv1", "cpu"),
        (weights, "conv1", "torch-cpu"),
        (weights, "conv1", "cpu"),
    ):
        AlexNetFeatures(w, cut, device=device, cache=cache).transform(images)
    assert len(list(cache.iterdir())) == 5


def test_the_default_cache_is_in_the_users_cache_folder(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    AlexNetFeatures(weights, "conv1").transform(pixels(2))
    assert index_size(tmp_path / "home" / "fastnn" / "alexnet-features") == 2


SCRIPT = """
import sys, hashlib
from pathlib import Path
from fastnn.alexnet import AlexNetFeatures, Weights
folder, cache, order = sys.argv[1:]
paths = sorted(Path(folder).iterdir())
if order == "backwards":
    paths.reverse()
features = AlexNetFeatures(Weights.random("theano", seed=1, up_to="conv1"), "conv1.pool", cache=cache, batch_size=4)
rows = features.transform(paths)
rows = rows[::-1] if order == "backwards" else rows
print(hashlib.sha256(rows.tobytes()).hexdigest())
"""


def started(folder, cache, order="forwards"):
    command = [sys.executable, "-c", SCRIPT, str(folder), str(cache), order]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_bits(tmp_path):
    write(tmp_path / "photos", pixels(60))
    cache = tmp_path / "cache"
    process = started(tmp_path / "photos", cache)
    deadline = time.monotonic() + 120
    while index_size(cache) < 8 and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    kept = index_size(cache)
    assert 8 <= kept < 60
    before = next(cache.glob("*/index")).read_bytes()
    with next(cache.glob("*/index")).open("ab") as file:
        file.write(b"half a record")  # as a killed process might leave it
    with next(cache.glob("*/rows.f32")).open("ab") as file:
        file.write(b"rows that no record tells of" * 100)
    resumed = started(tmp_path / "photos", cache)
    answer, _ = resumed.communicate(timeout=300)
    whole, _ = started(tmp_path / "photos", tmp_path / "other").communicate(timeout=300)
    assert answer == whole != ""
    assert next(cache.glob("*/index")).read_bytes()[: len(before)] == before
    assert index_size(cache) == 60


@pytest.mark.slow
def test_two_processes_may_share_a_cache(tmp_path):
    write(tmp_path / "photos", pixels(40))
    cache = tmp_path / "cache"
    both = [started(tmp_path / "photos", cache, order) for order in ("forwards", "backwards")]
    answers = {process.communicate(timeout=300)[0] for process in both}
    alone, _ = started(tmp_path / "photos", tmp_path / "other").communicate(timeout=300)
    assert answers == {alone}
    assert alone.strip()
    assert index_size(cache) == 40


def test_a_store_whose_rows_were_cut_off_forgets_them(tmp_path):
    store = FeatureStore(tmp_path, 3)
    keys = [bytes([i]) * 32 for i in range(4)]
    rows = np.arange(12, dtype="f4").reshape(4, 3)
    store.add(keys, rows)
    os.truncate(tmp_path / "rows.f32", 2 * 12 + 5)
    again = FeatureStore(tmp_path, 3)
    again.refresh()
    assert list(again.known) == keys[:2]
    again.add(keys[2:], rows[2:])
    assert same_bits(np.asarray(again.rows(keys[::-1])), rows[::-1].copy())
    assert same_bits(np.asarray(again.rows(keys)), rows)


@pytest.mark.slow
def test_features_separate_real_photos(tmp_path):
    """A linear classifier tells a quarter of the ants and bees apart."""
    pytest.importorskip("sklearn")
    from sklearn.linear_model import RidgeClassifier

    from fastnn.alexnet import load_weights

    weights = load_weights(shared("alexnet/alexnet_conv_theano.npz"), like="theano")
    features = AlexNetFeatures(weights, cache=tmp_path)
    sets = [image_files(shared(f"photos/{part}")) for part in ("train", "val")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (x, y), (xv, yv) = ((features.transform(s.paths[::4]), s.labels[::4]) for s in sets)
    assert x.shape == (61, 9216)
    assert RidgeClassifier(1e5).fit(x, y).score(xv, yv) > 0.75
