from .estimators.build import (
    KINDS as KINDS,
)
from .estimators.build import (
    build_estimator as build_estimator,
)
from .estimators.columns import (
    ColumnModel as ColumnModel,
)
from .estimators.combine import (
    AverageModel as AverageModel,
)
from .estimators.combine import (
    BestOf as BestOf,
)
from .estimators.combine import (
    StackModel as StackModel,
)
from .estimators.formulas.formulas import (
    Formula as Formula,
)
from .estimators.formulas.powers import (
    PowerLaw as PowerLaw,
)
from .estimators.formulas.symbolic import (
    SymbolicRegression as SymbolicRegression,
)
from .estimators.gaussian_processes.gaussian_process import (
    GaussianProcess as GaussianProcess,
)
from .estimators.gaussian_processes.prior_averaged import (
    PriorAveragedGP as PriorAveragedGP,
)
from .estimators.gaussian_processes.structured import (
    StructuredGP as StructuredGP,
)
from .estimators.mlp import (
    MLPEnsemble as MLPEnsemble,
)
from .estimators.rules import (
    FamilyMean as FamilyMean,
)
from .estimators.rules import (
    TwoClassRule as TwoClassRule,
)
from .estimators.rules import (
    TwoStage as TwoStage,
)
from .estimators.screening import (
    PearsonScreen as PearsonScreen,
)
from .evidence.bootstrap import (
    paired_bootstrap as paired_bootstrap,
)
from .evidence.noise import (
    NoiseFloor as NoiseFloor,
)
from .evidence.noise import (
    noise_floor as noise_floor,
)
from .evidence.permutation import (
    family_baseline as family_baseline,
)
from .evidence.permutation import (
    permutation_test as permutation_test,
)
from .evidence.permutation import (
    y_shuffle as y_shuffle,
)
from .explanation.dependence import (
    partial_dependence as partial_dependence,
)
from .explanation.importance import (
    permutation_importance as permutation_importance,
)
from .explanation.shapley import (
    ShapleyTable as ShapleyTable,
)
from .explanation.shapley import (
    exact_shapley as exact_shapley,
)
from .explanation.shapley import (
    explain_fitted as explain_fitted,
)
from .explanation.shapley import (
    explain_held_out as explain_held_out,
)
from .intervals.coverage import (
    nested_coverage as nested_coverage,
)
from .intervals.intervals import (
    fit_intervals as fit_intervals,
)
from .training.folds import (
    fit_each as fit_each,
)
from .training.spread import (
    predict_with_spread as predict_with_spread,
)
from .validation.clusters import (
    descriptor_clusters as descriptor_clusters,
)
from .validation.evaluation import (
    Evaluation as Evaluation,
)
from .validation.evaluation import (
    evaluate as evaluate,
)
from .validation.metrics import (
    Scores as Scores,
)
from .validation.schemes import (
    Scheme as Scheme,
)
from .validation.schemes import (
    Split as Split,
)
from .validation.schemes import (
    forward_in_time as forward_in_time,
)
from .validation.schemes import (
    in_sample as in_sample,
)
from .validation.schemes import (
    k_fold as k_fold,
)
from .validation.schemes import (
    leave_cluster_out as leave_cluster_out,
)
from .validation.schemes import (
    leave_one_group_out as leave_one_group_out,
)
from .validation.schemes import (
    leave_one_out as leave_one_out,
)
from .validation.schemes import (
    repeated_holdout as repeated_holdout,
)
from .validation.schemes import (
    repeated_k_fold as repeated_k_fold,
)
from .validation.schemes import (
    tagged as tagged,
)
