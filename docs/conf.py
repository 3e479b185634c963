"""Settings of the documentation site: ``nox -s docs`` builds it into build/docs."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

import fastnn  # noqa: E402

project = "fastnn"
author = "The fastnn developers"
copyright = author
release = version = fastnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    # of our own, in _extensions
    "docstrings",
    "repository_pages",
    "generated_files",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates", "_extensions", "examples", "generated"]
suppress_warnings = ["config.cache"]  # the gallery's order of examples is a class, which cannot be pickled

# Text. In docstrings, single backticks name an object of the package, or an argument.
default_role = "py:obj"
add_module_names = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# The reference.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_filename_map = {"fastnn.sweep": "fastnn.sweep-function"}  # beside fastnn.Sweep, on disks that know no case
autodoc_typehints = "none"  # numpydoc's sections have the types
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the templates list them
numpydoc_xref_param_type = False

# The gallery. Examples whose name begins with plot_ are executed.
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "ignore_repr_types": r"matplotlib\.",  # an example that ends with a legend shows the figure, not the object
    "doc_module": ("fastnn",),
    "backreferences_dir": "reference/backreferences",
    "matplotlib_animations": False,
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
}

# The look.
html_theme = "pydata_sphinx_theme"
html_title = "fastnn"
html_static_path = ["_static"]
html_css_files = ["fastnn.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "show_prev_next": True,
}
html_sidebars = {"index": [], "benchmarks": [], "limits": []}
