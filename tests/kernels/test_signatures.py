"""Every backend has the kernels of the table, with the names and parameters that the table gives them."""

import inspect
from importlib import import_module

import pytest

from fastnn import kernels
from fastnn.kernels import SIGNATURES, Activation, parse, reference

OWN = [b for b in kernels.available_backends() if b != "native"]


def test_the_reference_has_every_kernel_and_nothing_else():
    assert set(reference.KERNELS) == set(SIGNATURES)


@pytest.mark.parametrize("backend", OWN)
def test_python_kernels_have_the_parameters_of_the_table(backend):
    module = import_module(f"fastnn.kernels.{backend}")
    assert module.KERNELS
    for name, kernel in module.KERNELS.items():
        parameters = inspect.signature(kernel).parameters.values()
        assert [p.name for p in parameters] == [a.name for a in SIGNATURES[name].arguments], name
        defaults = [p.default for p in parameters if p.default is not p.empty]
        assert defaults == list(SIGNATURES[name].defaults), name


@pytest.mark.skipif("native" not in kernels.available_backends(), reason="no native module")
def test_native_kernels_have_the_signatures_of_the_table():
    from fastnn.kernels import _native

    for isa, table in _native.isa_tables().items():
        for name, kernel in table.items():
            assert kernel.signature == SIGNATURES[name], (isa, name)


@pytest.mark.parametrize("backend", kernels.available_backends())
@pytest.mark.parametrize("name", SIGNATURES)
def test_every_kernel_is_found(name, backend):
    assert callable(kernels.get(name, backend))


def test_parse_reads_all_marks():
    s = parse("f(a[n,m+], b[n]:any?, c[*]?!, d[1]:f64~, k)")
    assert s.name == "f"
    assert s.dims == ("n", "m", "*")
    assert [a.name for a in s.arrays] == ["a", "b", "c", "d"]
    assert [a.name for a in s.scalars] == ["k"]
    assert [a.name for a in s.arrays if a.spaced] == ["a"]
    a, b, c, d = s.arrays
    assert (a.dims, a.dtype, a.optional, a.reads, a.writes) == (("n", "m"), "real", False, True, False)
    assert (b.dims, b.dtype, b.optional, b.reads, b.writes) == (("n",), "any", True, True, False)
    assert (c.dims, c.dtype, c.optional, c.reads, c.writes) == (("*",), "real", True, False, True)
    assert (d.dims, d.dtype, d.optional, d.reads, d.writes) == (("1",), "f64", False, True, True)


@pytest.mark.parametrize("text", ["f", "f(a[n]", "f(a[n]#)", "f(a b)"])
def test_parse_refuses_what_it_cannot_read(text):
    with pytest.raises(ValueError, match="parse: "):
        parse(text)


def test_these_activations_need_the_input_for_their_derivative():
    assert [k.name for k in Activation if k.backward_needs_input] == [
        "TANHSHRINK",
        "GELU",
        "SILU",
        "MISH",
        "HARD_SWISH",
    ]
