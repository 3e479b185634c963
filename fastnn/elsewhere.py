"""What things are called in other libraries, and what they are called or done by here."""

from __future__ import annotations

from collections.abc import Mapping

ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "padding": ("pad",),
    "kernel_size": ("size",),
    "pool_size": ("size",),
    "strides": ("stride",),
    "dilation_rate": ("dilation",),
    "out_channels": ("filters",),
    "num_filters": ("filters",),
    "out_features": ("units",),
    "num_embeddings": ("categories",),
    "embedding_dim": ("dim",),
    "output_dim": ("dim",),
    "use_bias": ("bias",),
    "kernel_initializer": ("init",),
    "bias_initializer": ("bias_init",),
    "epsilon": ("eps",),
    "elementwise_affine": ("affine",),
    "num_groups": ("groups",),
    "negative_slope": ("alpha",),
    "p": ("rate",),
    "lr": ("learning_rate_init", "learning_rate"),
    "eta": ("learning_rate_init", "learning_rate"),
    "learning_rate": ("learning_rate_init",),
    "optim": ("optimizer", "solver"),
    "optimiser": ("optimizer", "solver"),
    "optimizer": ("solver",),
    "criterion": ("loss",),
    "loss_fn": ("loss",),
    "batchsize": ("batch_size",),
    "n_epochs": ("epochs", "max_iter"),
    "num_epochs": ("epochs", "max_iter"),
    "max_epochs": ("epochs", "max_iter"),
    "epochs": ("max_iter",),
    "max_iter": ("epochs",),
    "random_state": ("seed",),
    "seed": ("random_state",),
    "verbose": ("progress",),
    "scheduler": ("schedule", "learning_rate"),
    "lr_scheduler": ("schedule", "learning_rate"),
    "schedule": ("learning_rate",),
    "weight_decay": ("alpha",),
    "hidden": ("hidden_layer_sizes",),
    "hidden_units": ("hidden_layer_sizes",),
    "hidden_dims": ("hidden_layer_sizes",),
    "max_grad_norm": ("clip_norm",),
    "gradient_clip_val": ("clip_norm",),
    "betas": ("beta1",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "label_smoothing_factor": ("label_smoothing",),
    "validation_data": ("validation",),
    "validation_split": ("validation", "validation_fraction"),
    "eval_set": ("validation",),
    "restore_best_weights": ("restore_best",),
    "categorical_features": ("categorical",),
    "cat_features": ("categorical",),
}
"""A keyword of another library, and the arguments here of which the first that exists has its meaning."""

_COUNTED = {what: f"the {what} are counted when the model is built" for what in ("inputs", "channels")}

ADVICE: Mapping[str, str] = {
    "activation": "an activation is a layer of its own, such as layers.ReLU(), after this one",
    "in_features": f"leave it out: {_COUNTED['inputs']}",
    "in_channels": f"leave it out: {_COUNTED['channels']}",
    "input_dim": "leave it out: a model has input_shape=(…,)",
    "input_shape": "leave it out: the model has it, Sequential([…], input_shape=(…,))",
    "learning_rate": "it belongs to the optimiser, as optimizer=fastnn.optim.Adam(0.001)",
    "lr": "it belongs to the optimiser, as optimizer=fastnn.optim.Adam(0.001)",
    "weight_decay": "it belongs to the optimiser, as optimizer=fastnn.optim.AdamW(0.001, weight_decay=0.01)",
    "momentum": "an optimiser of its own has it, as optimizer=fastnn.optim.Momentum(0.1, 0.9)",
    "nesterov": "it is an optimiser of its own, as optimizer=fastnn.optim.Nesterov(0.1, 0.9)",
    "validation_data": "it belongs to fit, as fit(x, y, validation=(x_val, y_val))",
    "validation_split": "it belongs to fit, as fit(x, y, validation=0.1)",
    "sample_weight": "it belongs to fit, as fit(x, y, sample_weight=…)",
    "callbacks": "they belong to the trainer, as Trainer(model, callbacks=[…])",
    "shuffle": "it belongs to the trainer, as Trainer(model, shuffle=False)",
    "epochs": "it belongs to the trainer, as Trainer(model, epochs=10)",
    "batch_size": "it belongs to the trainer, as Trainer(model, batch_size=100)",
    "verbose": "a progress bar belongs to the trainer, as Trainer(model, progress=True)",
    "device": "leave it out: everything is computed on the processor",
    "inplace": "leave it out: where an activation can be computed in place, it is",
    "dim": "leave it out: classes are the last axis of (N, classes), channels the first of (C, H, W)",
    "axis": "leave it out: classes are the last axis of (N, classes), channels the first of (C, H, W)",
}
"""What to do about a keyword that no argument here stands for."""

ADVICE_OF_ESTIMATORS: Mapping[str, str] = {
    "early_stopping": "leave it out: n_iter_no_change and validation_fraction decide when a training stops",
    "validation_data": "leave it out: the rows that decide when a training stops are held out, validation_fraction=0.1",
    "sample_weight": "it belongs to fit, as fit(X, y, sample_weight=…)",
    "callbacks": "an estimator has none, fastnn.Trainer(model, callbacks=[…]) does",
    "loss": "it follows from the targets; fastnn.Trainer(model, loss=…) takes any",
    "n_jobs": "leave it out: fastnn.set_num_threads says how many threads there are",
    "device": ADVICE["device"],
}
"""The same about a keyword of an estimator, which has no trainer and no optimiser to which it could belong."""

LEADING: Mapping[str, str] = {
    "Dense": _COUNTED["inputs"],
    "Conv2D": _COUNTED["channels"],
    "BatchNorm": _COUNTED["channels"],
    "LayerNorm": _COUNTED["inputs"],
    "GroupNorm": _COUNTED["channels"],
    "Sequential": "the layers stand in one list",
    "SGD": "fastnn.optim.Momentum(0.1, 0.9) has a momentum",
}
"""A class whose constructor elsewhere begins with another argument, and why it does not have that here."""

EXAMPLES: Mapping[str, str] = {
    "input_shape": ", such as input_shape=(784,)",
    "y": "; a pair of samples and targets is given as fit(*pair), a data set as fit(*data.train)",
}
"""An argument that has to be given, and what it looks like."""

CLASSES: Mapping[str, str] = {
    "Linear": "Dense",
    "BatchNormalization": "BatchNorm",
    "BatchNorm1d": "BatchNorm",
    "BatchNorm2d": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "GroupNormalization": "GroupNorm",
    "AveragePooling2D": "AvgPool2D",
    "GlobalAveragePooling2D": "GlobalAvgPool2D",
    "GlobalMaxPooling2D": "GlobalMaxPool2D",
    "Swish": "SiLU",
    "Model": "Sequential",
    "Module": "Sequential",
    "nn": "layers",
    "linear": "affine_forward",
    "conv2d": "conv_forward",
    "max_pool2d": "max_pool_forward",
    "avg_pool2d": "avg_pool_forward",
    "cross_entropy": "softmax_loss",
    "CrossEntropyLoss": "SoftmaxCrossEntropy",
    "CrossEntropy": "SoftmaxCrossEntropy",
    "NLLLoss": "SoftmaxCrossEntropy",
    "SparseCategoricalCrossentropy": "SoftmaxCrossEntropy",
    "CategoricalCrossentropy": "SoftmaxCrossEntropy",
    "BCELoss": "BinaryCrossEntropy",
    "BCEWithLogitsLoss": "BinaryCrossEntropy",
    "MSELoss": "MeanSquaredError",
    "MSE": "MeanSquaredError",
    "L1Loss": "MeanAbsoluteError",
    "MAE": "MeanAbsoluteError",
    "SmoothL1Loss": "Huber",
    "f1_score": "macro_f1",
    "auc": "roc_auc",
    "roc_auc_score": "roc_auc",
    "r2_score": "r2",
    "accuracy_score": "accuracy",
    "StepLR": "Step",
    "ExponentialLR": "Exponential",
    "CosineAnnealingLR": "Cosine",
    "OneCycleLR": "OneCycle",
    "to_torch": "to_torch_state_dict",
    "datasets": "data",
}
"""A class, a function or a module of another library, and what is nearest to it here."""

WITHOUT: Mapping[str, str] = {
    "DataLoader": "arrays are given to Trainer.fit as they are",
    "tensor": "NumPy's arrays are taken as they are",
    "Tensor": "NumPy's arrays are taken as they are",
    "save": "a model saves itself: model.save(path)",
    "seed": "a seed is an argument: Sequential(…, seed=0), Trainer(…, seed=0)",
    "manual_seed": "a seed is an argument: Sequential(…, seed=0), Trainer(…, seed=0)",
    "utils": "fastnn.data has the readers, fastnn.plots the pictures",
    "callbacks": "fastnn has them itself, such as fastnn.EarlyStopping",
}
"""What takes the place of a name of other libraries that has no counterpart in fastnn."""

METHODS: Mapping[str, Mapping[str, str]] = {
    "Sequential": {
        "fit": "a trainer trains it: fastnn.Trainer(model, epochs=10).fit(x, y)",
        "train": "a trainer trains it: fastnn.Trainer(model, epochs=10).fit(x, y)",
        "eval": "it has no modes: forward and predict are always those of a trained model",
        "compile": "optimizer and loss belong to the trainer: fastnn.Trainer(model, optimizer='adam')",
        "train_on_batch": "a trainer does single steps: fastnn.Trainer(model).step(x, y)",
        "backward": "loss_and_gradients(x, y) computes both",
        "zero_grad": "leave it out: gradients are computed anew each time",
        "to": "leave it out: everything is computed on the processor; dtype= belongs to Sequential",
        "cuda": "leave it out: everything is computed on the processor",
        "state_dict": "parameters has its arrays by name, fastnn.export.to_torch_state_dict PyTorch's",
        "load_state_dict": "did you mean fastnn.export.from_torch_state_dict?",
        "weights": "did you mean 'parameters'?",
        "get_weights": "did you mean 'parameters'?",
        "set_weights": "write into the arrays of parameters: model.parameters['dense1.w'] = w",
        "named_params": "did you mean 'parameters'?",
        "count_params": "did you mean 'size'?",
        "score": "did you mean 'evaluate'?",
        "add": "layers are given together: fastnn.Sequential([…], input_shape=(…,))",
    },
    "Trainer": {
        "train": "did you mean 'fit'?",
        "fit_generator": "fit takes data larger than memory from fastnn.data.load(…, mapped=True)",
        "evaluate": "the model does: trainer.model.evaluate(x, y)",
        "predict": "the model does: trainer.model.predict(x)",
        "save": "the model does: trainer.model.save(path); a Checkpoint keeps the training as well",
    },
    "History": {
        "history": "epochs has the figures by epoch, column('loss') those of one name",
    },
}
"""Methods of other libraries, by the class here that has none of that name, and what to do instead."""
