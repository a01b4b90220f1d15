"""Kernels that start at once: a process that has imported the libraries forks one process a notebook.

Importing the scientific libraries takes several seconds, and a chain of notebooks pays them once a notebook. Here a *zygote*
(`zygote`) imports them once and stays idle with a single thread; `warm` asks it for forks. Two thin users stand on that:

`engine`
    runs notebooks through papermill (entry point ``delight``) in a fork with an IPython shell and no sockets (`session`).
`provisioner`
    gives Jupyter itself (JupyterLab, nbclient, papermill's own engine) forked kernels; chosen by
    ``JUPYTER_DEFAULT_PROVISIONER_NAME=warm-provisioner`` or in a kernelspec.

Where a fork cannot be had (not Linux, a library that starts threads) both start an ordinary kernel and say why.
"""

#: What most notebooks of a study import, and what a first figure or model imports besides.
LIBRARIES = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "scipy.stats",
    "scipy.optimize",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "seaborn",
    "statsmodels.api",
    "statsmodels.formula.api",
    "sklearn.cluster",
    "sklearn.preprocessing",
)
#: What the engine's fork runs on.
SESSION = ("delight.kernels.session", "delight.kernels.figures")
#: What Jupyter's own kernel runs on, and what a first view of a study (`delight.show.widgets`) needs besides.
KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.control",
    "IPython.core.historyapp",
    "comm",
    "debugpy",
    "anywidget",
    "babel.messages.pofile",
    "matplotlib.backends.backend_svg",
    "pydantic",
    "delight.kernels.figures",
)
