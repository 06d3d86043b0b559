"""Reliability of a scale from the covariances of its items: alpha, omega, item-rest correlations.

For: how far a trait's score can be trusted in a group. Not for: agreement of two raters, or making
the covariances (``item_moments``).

Estimators, because software differs: *alpha* is Cronbach's from the covariances, with Feldt's
interval; *omega* is omega total of one common factor, fitted by minimum residuals (minres) to the
item correlations, 1 - sum(uniquenesses) / sum(correlations).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.statistics.intervals import DEFAULT_LEVEL, ConfidenceInterval, checked_level
from ioc_analytics.statistics.item_moments import ItemMoments

FloatArray = npt.NDArray[np.float64]

MINIMUM_ITEMS_FOR_OMEGA: Final = 3
"""One factor has as many loadings as items: two items give one correlation for two loadings."""

_LARGEST_LOADING: Final = float(np.sqrt(0.995))
"""psych keeps every uniqueness at 0.005 or more; without that, a Heywood case leaves 0..1."""

_NEWTON_STEPS: Final = 30
_SETTLED: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well the items of one trait measure one thing, in one group."""

    sample_size: int
    """Number of people who answered at least one of the items."""

    item_count: int
    """Number of items, at least 2."""

    alpha: float
    """Cronbach's alpha of the items as they are; at most 1, may be negative."""

    alpha_interval: ConfidenceInterval
    """Feldt's interval of ``alpha``."""

    standardized_alpha: float
    """Cronbach's alpha of the items brought to equal variances."""

    omega_total: float | None
    """McDonald's omega total of one minres factor; None when refused, see ``omega_reason``."""

    omega_reason: str | None
    """Why ``omega_total`` is None, for people; None when it is there."""

    item_rest_correlations: tuple[float, ...]
    """Per item: its correlation with the sum of the other items, in the order of the items."""

    mean_inter_item_correlation: float
    """Mean of the correlations between different items."""


def measure_reliability(
    covariance: npt.ArrayLike,
    sample_size: int,
    *,
    correlation: npt.ArrayLike | None = None,
    level: float = DEFAULT_LEVEL,
) -> Reliability:
    """Return the reliability of a scale.

    Formulas, with C the covariances, R the correlations made from C (r_ij = c_ij / sqrt(c_ii
    c_jj)) and k items: alpha = (1 - tr(C) / sum(C)) k / (k-1), standardised alpha the same of R;
    item-rest = (sum_j c_ij - c_ii) / sqrt(c_ii sum of C without item i); mean inter-item r = mean
    of R off the diagonal.

    Args:
        covariance: Covariances of the items in the direction of the trait, shape ``(k, k)``; with
            missing answers, pairwise (``ItemMoments.keyed(...).covariance()``).
        sample_size: Number of people with at least one answer, at least 2 (psych's convention:
            with many missing answers the interval of alpha is narrower than it should be).
        correlation: Correlations for omega, shape ``(k, k)``; where answers are missing, psych
            takes the pairwise ones (``ItemMoments.correlation()``). None: those made from C.
        level: Confidence of the interval of alpha, between 0 and 1.

    Raises:
        InvalidInput: The matrix is not a covariance matrix of at least 2 items.
        NotEnoughData: Below 2 people, an item does not vary, or the items sum to a constant.

    Source:
        Cronbach (1951), doi:10.1007/BF02310555; McDonald (1999), doi:10.4324/9781410601087;
        R: ``psych::alpha(x)``: ``$total``, ``$feldt``, ``$item.stats$r.drop``.

    Example:
        >>> result = measure_reliability([[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]], 100)
        >>> round(result.alpha, 4), round(result.omega_total, 4)
        (0.75, 0.75)
        >>> [round(r, 4) for r in result.item_rest_correlations]
        [0.5774, 0.5774, 0.5774]
    """
    matrix = _checked_matrix(covariance)
    k = len(matrix)
    unit = _to_correlation(matrix)
    alpha = _alpha(matrix)
    omega, reason = _omega_or_reason(unit if correlation is None else correlation)
    return Reliability(
        sample_size=sample_size,
        item_count=k,
        alpha=alpha,
        alpha_interval=feldt_interval(alpha, sample_size, k, level),
        standardized_alpha=_alpha(unit),
        omega_total=omega,
        omega_reason=reason,
        item_rest_correlations=_item_rest_correlations(matrix),
        mean_inter_item_correlation=float((unit.sum() - k) / (k * (k - 1))),
    )


def measure_moments(moments: ItemMoments, *, level: float = DEFAULT_LEVEL) -> Reliability:
    """Return the reliability of a scale from the moments of its keyed items.

    Covariances and correlations are pairwise: each over the people who answered both items.

    Args:
        moments: Moments of the items in the direction of the trait (``ItemMoments.keyed``).
        level: Confidence of the interval of alpha, between 0 and 1.

    Raises:
        InvalidInput: Fewer than 2 items.
        NotEnoughData: Fewer than 2 people answered some pair of items, or an item does not vary
            among them.

    Source:
        R: ``psych::alpha(x)`` on the people with an answer, ``psych::fa(x, fm = "minres")``.

    Example:
        >>> answers = [[1, 2, 1], [2, 2, 3], [4, 5, 4], [5, 4, 5]]
        >>> round(measure_moments(ItemMoments.from_matrix(answers, missing=0)).alpha, 4)
        0.9457
    """
    return measure_reliability(
        moments.covariance(),
        moments.sample_size,
        correlation=moments.correlation(),
        level=level,
    )


def feldt_interval(
    alpha: float, sample_size: int, item_count: int, level: float = DEFAULT_LEVEL
) -> ConfidenceInterval:
    """Return Feldt's interval of Cronbach's alpha.

    Formula: 1 - (1 - alpha) F, F the (1 ± level)/2 quantiles of F(n-1, (n-1)(k-1)); exact for
    normal items with equal covariances.

    Args:
        alpha: Cronbach's alpha, at most 1.
        sample_size: Number of people, at least 2.
        item_count: Number of items, at least 2.
        level: Confidence between 0 and 1.

    Raises:
        InvalidInput: alpha is above 1, below 2 items, or the level is impossible.
        NotEnoughData: Below 2 people.

    Source:
        Feldt (1965), doi:10.1007/BF02289499; R: ``psych::alpha.ci(alpha, n.obs, n.var)``.

    Example:
        >>> interval = feldt_interval(0.8, 100, 10)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.736, 0.8537)
    """
    if sample_size < 2:
        raise NotEnoughData(f"the interval of alpha needs at least 2 people, found {sample_size}")
    if not alpha <= 1 or item_count < 2:
        raise InvalidInput(f"alpha of {alpha} from {item_count} items: at most 1, at least 2 items")
    tail = (1 - checked_level(level)) / 2
    freedom = (sample_size - 1, (sample_size - 1) * (item_count - 1))
    low = 1 - (1 - alpha) * float(special.fdtri(*freedom, 1 - tail))
    high = 1 - (1 - alpha) * float(special.fdtri(*freedom, tail))
    return ConfidenceInterval(level, low, high, "feldt")


def omega_total(correlation: npt.ArrayLike) -> float:
    """Return McDonald's omega total of one common factor.

    Formula: 1 - sum(1 - loading²) / sum(R), with the loadings that minimise the squared residuals
    of R off its diagonal (minres), uniquenesses kept at 0.005 or more. R is taken in the keyed
    direction: an item that loads negatively lowers omega (psych::omega would turn it round, which
    is its ``flip = TRUE``).

    Args:
        correlation: Item correlations, shape ``(k, k)``, k at least 3.

    Raises:
        InvalidInput: The matrix is not a correlation matrix.
        NotEnoughData: Fewer than 3 items, or the items cancel each other out (sum of R not
            positive).

    Source:
        McDonald (1999), doi:10.4324/9781410601087; Harman & Jones (1966),
        doi:10.1007/BF02289468; R: ``f <- psych::fa(R, nfactors = 1, fm = "minres")``,
        ``1 - sum(f$uniquenesses) / sum(R)``; also ``psych::omega(R, 1, flip = FALSE)$omega.tot``.

    Example:
        >>> round(omega_total([[1.0, 0.56, 0.48], [0.56, 1.0, 0.42], [0.48, 0.42, 1.0]]), 4)
        0.7449
    """
    matrix = _checked_matrix(correlation)
    if len(matrix) < MINIMUM_ITEMS_FOR_OMEGA:
        raise NotEnoughData(
            f"omega needs at least {MINIMUM_ITEMS_FOR_OMEGA} items, this scale has {len(matrix)}"
        )
    if np.abs(np.diag(matrix) - 1).max() > 1e-9:
        raise InvalidInput("omega is computed from correlations: the diagonal must be 1")
    return _one_minus_share(
        float((1 - one_factor_loadings(matrix) ** 2).sum()), float(matrix.sum())
    )


def one_factor_loadings(correlation: FloatArray) -> FloatArray:
    """Return the loadings of one minres factor.

    Args:
        correlation: Item correlations, shape ``(k, k)``, k at least 3.

    Returns:
        Shape ``(k,)``, each within ±sqrt(0.995); their sum is not negative.

    Raises:
        InvalidInput: The fit does not converge, which no correlation matrix should cause.

    Source:
        R: ``psych::fa(R, nfactors = 1, fm = "minres")$loadings``.

    Example:
        >>> matrix = np.array([[1.0, 0.56, 0.48], [0.56, 1.0, 0.42], [0.48, 0.42, 1.0]])
        >>> one_factor_loadings(matrix).round(4).tolist()
        [0.8, 0.7, 0.6]
    """
    sizes, vectors = np.linalg.eigh(correlation)
    start = np.clip(vectors[:, -1] * np.sqrt(max(sizes[-1] - 1, 0.01)), -0.95, 0.95)
    found = _newton_loadings(correlation, start)
    if found is None:
        found = _bounded_loadings(correlation, start)
    return found if found.sum() >= 0 else -found


def _newton_loadings(correlation: FloatArray, start: FloatArray) -> FloatArray | None:
    """Fit by Newton's method; None when it leaves the bounds or does not settle in a minimum."""
    observed = correlation - np.diag(np.diag(correlation))
    loadings = start
    for _ in range(_NEWTON_STEPS):
        squared = loadings**2
        slope = loadings * (squared.sum() - squared) - observed @ loadings
        curvature = 2 * np.outer(loadings, loadings) - observed
        np.fill_diagonal(curvature, squared.sum() - squared)
        try:
            np.linalg.cholesky(curvature)  # fails where the surface does not curve upwards
        except np.linalg.LinAlgError:
            return None
        step = np.linalg.solve(curvature, slope)
        loadings = loadings - step
        if np.abs(loadings).max() >= _LARGEST_LOADING:
            return None
        if np.abs(step).max() < _SETTLED:
            return np.asarray(loadings)
    return None


def _bounded_loadings(correlation: FloatArray, start: FloatArray) -> FloatArray:
    # Here, because it takes a second to import, and only hard cases need it.
    from scipy import optimize

    rows, columns = np.triu_indices(len(correlation), 1)
    observed = correlation[rows, columns]
    pairs = np.arange(observed.size)

    def residuals(loadings: FloatArray) -> FloatArray:
        return np.asarray(loadings[rows] * loadings[columns] - observed)

    def slopes(loadings: FloatArray) -> FloatArray:
        matrix = np.zeros((observed.size, loadings.size))
        matrix[pairs, rows] = loadings[columns]
        matrix[pairs, columns] = loadings[rows]
        return matrix

    fit = optimize.least_squares(
        residuals,
        start,
        jac=slopes,
        bounds=(-_LARGEST_LOADING, _LARGEST_LOADING),
        xtol=1e-12,
        ftol=1e-14,
        gtol=1e-10,
    )
    if not fit.success:
        raise InvalidInput(f"one factor cannot be fitted to these correlations: {fit.message}")
    return np.asarray(fit.x, dtype=np.float64)


def _omega_or_reason(correlation: npt.ArrayLike) -> tuple[float | None, str | None]:
    try:
        return omega_total(correlation), None
    except NotEnoughData as refusal:
        return None, str(refusal)


def _alpha(matrix: FloatArray) -> float:
    k = len(matrix)
    return _one_minus_share(float(np.trace(matrix)), float(matrix.sum())) * k / (k - 1)


def _one_minus_share(part: float, whole: float) -> float:
    if whole <= 0:
        raise NotEnoughData(
            "the sum of the items does not vary, so its reliability is undefined: check the keys "
            "of the items, or ask for more people"
        )
    return 1 - part / whole


def _item_rest_correlations(matrix: FloatArray) -> tuple[float, ...]:
    own = np.diag(matrix)
    with_rest = matrix.sum(axis=1) - own
    rest = matrix.sum() - 2 * with_rest - own
    if (rest <= 0).any():
        raise NotEnoughData(
            f"without item {int(np.argmin(rest)) + 1} the sum of the others does not vary: its "
            "item-rest correlation is undefined; check the keys of the items"
        )
    return tuple(float(r) for r in with_rest / np.sqrt(own * rest))


def _to_correlation(matrix: FloatArray) -> FloatArray:
    spread = np.sqrt(np.diag(matrix))
    return np.asarray(matrix / np.outer(spread, spread))


def _checked_matrix(covariance: npt.ArrayLike) -> FloatArray:
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise InvalidInput(
            f"a scale needs a square matrix of at least 2 items, found {matrix.shape}"
        )
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0):
        raise InvalidInput("item covariances must be finite and symmetric")
    if (np.diag(matrix) <= 0).any():
        place = int(np.argmin(np.diag(matrix))) + 1
        raise NotEnoughData(
            f"item {place} has the same answer from everyone: reliability needs items that vary"
        )
    return matrix
