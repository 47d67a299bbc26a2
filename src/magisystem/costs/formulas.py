"""A formula that is computed, told in words and told in numbers from one and the same thing."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

# Enough for any amount of money here: what is lost is beyond the twentieth digit.
_DIGITS = 28


@dataclass(frozen=True, slots=True)
class Factor:
    """A number with a name. Where ``divides`` is set it divides what stands before it."""

    name: str
    value: Decimal
    divides: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """A sum of products. There is at least one summand, each with at least one factor, and its first never divides."""

    summands: tuple[tuple[Factor, ...], ...]

    @property
    def value(self) -> Decimal:
        """What it comes to."""
        with localcontext() as context:
            context.prec = _DIGITS
            context.rounding = ROUND_HALF_EVEN
            return sum((_product(factors) for factors in self.summands), Decimal(0))

    @property
    def words(self) -> str:
        """Tell it by the factors' names."""
        return " + ".join(_joined(factors, [factor.name for factor in factors]) for factors in self.summands)

    @property
    def numbers(self) -> str:
        """Tell it by the factors' values."""
        return " + ".join(_joined(factors, [number(factor.value) for factor in factors]) for factors in self.summands)


def product(*factors: Factor) -> Formula:
    """Give the formula of one product."""
    return Formula((factors,))


def number(value: Decimal) -> str:
    """Write a number for a person: thousands grouped, and no more digits than tell it (four after the point)."""
    rounded = value if abs(value) < Decimal("0.0001") else round(value, 4)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _product(factors: tuple[Factor, ...]) -> Decimal:
    result = Decimal(1)
    for factor in factors:
        result = result / factor.value if factor.divides else result * factor.value
    return result


def _joined(factors: tuple[Factor, ...], texts: list[str]) -> str:
    first, *rest = texts
    return first + "".join(
        f" {'/' if factor.divides else 'x'} {text}" for factor, text in zip(factors[1:], rest, strict=True)
    )
