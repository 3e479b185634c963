"""The numbers in the text of a summary are right."""

import fastnn
from fastnn.layers import Dense, Flatten, ReLU


def test_the_summary_of_a_network_for_images_is_right():
    model = fastnn.Sequential([Flatten(), Dense(200), ReLU(), Dense(10)], input_shape=(28, 28))
    assert model.summary() == (
        "layer     type     output shape  parameters  activation  forward/sample\n"
        "-----------------------------------------------------------------------\n"
        "input              (28, 28)                     3.1 KiB\n"
        "flatten1  Flatten  (784,)                       3.1 KiB\n"
        "dense1    Dense    (200,)           157,000       800 B     313.6 kFLOP\n"
        "relu1     ReLU     (200,)                         800 B\n"
        "dense2    Dense    (10,)              2,010        40 B       4.0 kFLOP\n"
        "-----------------------------------------------------------------------\n"
        "159,010 parameters, 621.1 KiB as float32; forward 317.6 kFLOP a sample"
    )


def test_float64_takes_twice_the_memory():
    model = fastnn.Sequential([Dense(10)], input_shape=(784,), dtype="float64")
    assert "7,850 parameters, 61.3 KiB as float64; forward 15.7 kFLOP a sample" in model.summary()


def test_numbers_have_units():
    model = fastnn.Sequential([Dense(3), Dense(2000), Dense(2000)], input_shape=(1,))
    lines = model.summary().splitlines()
    assert lines[3].endswith("6 FLOP")
    assert lines[5].endswith("8.0 MFLOP")
    assert "15.3 MiB" in lines[-1]


def test_a_model_without_layers_has_a_summary():
    assert "0 parameters, 0 B as float32; forward 0 FLOP a sample" in fastnn.Sequential([], input_shape=(3,)).summary()
