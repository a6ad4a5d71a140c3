"""The last layer, fitted in one convex step: a softmax that learns from differences inside sessions.

Slides differ in stain, lamp, camera and in how many blasts they hold. A plain softmax takes all of that for evidence:
where one camera saw healthy slides mostly, the camera becomes a sign of health. Here every session has an intercept
of its own while the layer is fitted (the mixed model of statistics, sessions as strata), so what tells a whole
session from another is explained by its intercept, and the weights are left with what tells the cells of one session
apart. At prediction the intercepts are dropped: a new slide has none.

Sources: Breslow N. E., Day N. E., Statistical methods in cancer research I (stratified logistic regression), IARC
1980; Mundlak Y., On the pooling of time series and cross section data, Econometrica 46 (1978).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from allviewer.vocab.arrays import Floats


def fit_head(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    weights: NDArray[np.floating],
    classes: int,
    *,
    penalty: float,
    freedom: float,
) -> tuple[Floats, Floats, Floats]:
    """Weights, bias and the sessions' intercepts of a softmax layer.

    Parameters
    ----------
    features : (n, d), centred and of one scale.
    labels, groups, weights : (n,) class, session and weight of each cell; the weights sum to n.
    penalty : of the squared weights, over the summed loss; the higher, the plainer the layer.
    freedom : how many times farther than a weight an intercept may go at the same cost; 0 is a plain softmax.

    Returns
    -------
    weight : (C, d) float32.
    bias : (C,) float32.
    intercepts : (groups in name order, C) float32.
    """
    names, at = np.unique(groups, return_inverse=True)
    x = np.asarray(features, np.float64)
    target = np.eye(classes)[labels]
    n, d, g = len(x), x.shape[1], len(names)
    each = np.asarray(weights, np.float64)[:, None]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w, b, s = flat[: d * classes].reshape(d, classes), flat[-classes:], flat[d * classes : -classes]
        s = s.reshape(g, classes)
        z = x @ w + freedom * s[at] + b
        z -= z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        wrong = each * (np.exp(log_p) - target)
        of_sessions = np.zeros((g, classes))
        np.add.at(of_sessions, at, wrong)
        slope = [(x.T @ wrong + penalty * w).ravel(), (freedom * of_sessions + penalty * s).ravel(), wrong.sum(axis=0)]
        value = -(each * target * log_p).sum() + 0.5 * penalty * ((w**2).sum() + (s**2).sum())
        return float(value) / n, np.concatenate(slope) / n

    start = np.zeros((d + g + 1) * classes)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-10, "gtol": 1e-6})
    w, s = best.x[: d * classes].reshape(d, classes), best.x[d * classes : -classes].reshape(g, classes)
    return w.T.astype(np.float32), best.x[-classes:].astype(np.float32), (freedom * s).astype(np.float32)
