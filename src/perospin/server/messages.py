"""Messages that callers send, with examples; what a field means stands beside it, with its unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Decision", "Fault", "Formulas", "Job", "NewRecord", "Outcome", "Proposal", "Question", "Refusal", "Suggest"]

Formula = Annotated[str, Field(min_length=1, max_length=300, examples=["(PEA)2PbI4"])]
Word = Annotated[str, Field(max_length=300)]
Text = Annotated[str, Field(max_length=2000)]
Ions = Annotated[
    list[Annotated[str, Field(max_length=500)]],
    Field(max_length=50, description="Cations of your own, NAME=SMILES.", examples=[["MyA=C[NH2+]C"]]),
]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Formulas(_Strict):
    """Materials to describe."""

    formulas: Annotated[list[Formula], Field(min_length=1, max_length=50)]
    ions: Ions = []


class Question(Formulas):
    """Materials to predict, and the study that is asked."""

    study: Annotated[str, Field(max_length=100, examples=["spin-relaxation"])] = "spin-relaxation"
    part: Annotated[str | None, Field(max_length=100, description="Part of the study; its default if left out.")] = None


class NewRecord(_Strict):
    """One measured value with its unit, conditions and source."""

    material: Formula
    property: Annotated[str, Field(max_length=100, examples=["tau_spin"], description="Name from /v1/properties.")]
    value: Annotated[float, Field(allow_inf_nan=False, description="In `unit`.", examples=[0.31])]
    unit: Annotated[str, Field(max_length=60, description="Converted to that of the property.", examples=["ps"])]
    uncertainty: Annotated[Number | None, Field(description="One standard deviation, in `unit`.")] = None
    limit: Literal["value", "upper", "lower", "up_to"] = "value"
    doi: Annotated[
        Word, Field(description="DOI or arXiv identifier of the source.", examples=["10.1039/d5nr00127g"])
    ] = ""
    first_author: Annotated[Word, Field(description="Of the source, or who measured it.", examples=["Our lab"])] = ""
    year: int | None = None
    located_in: Annotated[Word, Field(description="Place in the source.", examples=["Fig. 3"])] = ""
    url: Word = ""
    evidence: Literal["primary", "secondary"] = "primary"
    temperature_k: Annotated[Number | None, Field(description="Sample temperature, K.", examples=[295.0])] = None
    field_t: Annotated[Number | None, Field(description="Magnetic field, T.")] = None
    excitation_nm: Annotated[Number | None, Field(description="Pump wavelength, nm.")] = None
    fluence_uj_cm2: Annotated[Number | None, Field(description="Pump fluence, µJ/cm².")] = None
    technique: Word = ""
    carrier: Word = ""
    form: Word = ""
    lifetime_convention: Word = ""
    estimated: bool = False
    theory: bool = False
    note: Text = ""
    composition: Annotated[
        Literal["known", "other", "unknown"], Field(description="Other than known: the material is kept as text.")
    ] = "known"


class Proposal(_Strict):
    """Records that another person shall accept."""

    records: Annotated[list[NewRecord], Field(min_length=1, max_length=500)]
    why: Annotated[Text, Field(description="What the reviewer should know.")] = ""
    request: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            description="Your own name of this message: sent twice, it proposes once.",
            examples=["2026-11-29-films-1"],
        ),
    ] = None


class Decision(_Strict):
    """Proposals that are accepted or rejected."""

    numbers: Annotated[list[Annotated[int, Field(ge=1, le=2**31 - 1)]], Field(min_length=1, max_length=500)]
    why: Text = ""


class Suggest(_Strict):
    """How many experiments are asked for."""

    count: Annotated[int, Field(ge=1, le=96)] = 1


class Job(_Strict):
    """Long work: a prediction whose cation must be computed first, or a shipped study that is run."""

    task: Literal["predict", "study"]
    study: Annotated[str, Field(max_length=100, examples=["spin-relaxation"])] = "spin-relaxation"
    formula: Annotated[Formula | None, Field(description="Of a prediction.")] = None
    ions: Ions = []
    parts: Annotated[list[Word], Field(max_length=50, description="Parts of the study; all if left out.")] = []


class Outcome(_Strict):
    """What came of one experiment."""

    material: Annotated[str, Field(min_length=1, max_length=500, description="Name of the candidate.")]
    values: Annotated[dict[str, Number], Field(max_length=20, description="By objective, in its unit.")] = {}
    uncertainties: Annotated[dict[str, Number], Field(max_length=20, description="One standard deviation each.")] = {}
    kind: Literal["measured", "failed", "abandoned", "imported"] = "measured"
    note: Text = ""
    again: Annotated[bool, Field(description="It is a repeat that gave the same number.")] = False


class Fault(BaseModel):
    """One sentence: what is wrong, where, and what would be right."""

    kind: Annotated[str, Field(examples=["FormulaError"])]
    sentence: Annotated[str, Field(examples=["unknown ion 'PEEA' in '(PEEA)2PbI4'; did you mean PEA?"])]
    where: list[str] = []


class Refusal(BaseModel):
    """What a caller gets in place of an answer."""

    error: Fault
