"""The table of checks, by theme; the first one is what all others stand on."""

from optimizers.conformance import (
    closures,
    gradients,
    hyperparameters,
    independence,
    layout,
    precision,
    saving,
    training,
)
from optimizers.conformance.outcome import Check

_THEMES = {
    "gradients": (
        gradients.takes_plain_steps,
        gradients.a_parameter_without_gradient_rests,
        gradients.gradients_stay_as_they_were,
        gradients.zero_gradients_do_no_harm,
        gradients.accumulated_gradients_count_as_their_sum,
        gradients.zero_grad_clears_both_ways,
        gradients.sparse_gradients_move_as_dense_ones,
        gradients.the_same_gradients_give_the_same_bits,
    ),
    "closures": (
        closures.a_closure_runs_with_gradients_enabled,
        closures.the_loss_of_the_closure_is_returned,
        closures.a_step_with_closure_is_a_step_after_it,
    ),
    "parameters and groups": (
        independence.a_parameter_unfrozen_late_moves_as_a_fresh_one,
        independence.a_group_added_later_moves_as_a_fresh_one,
        independence.two_groups_are_two_optimizers,
        independence.the_order_of_parameters_does_not_matter,
        independence.parameters_stay_the_same_objects,
        independence.parameters_come_as_list_generator_groups_or_with_names,
        independence.a_tied_weight_moves_once,
        independence.a_parameter_in_two_groups_is_refused,
    ),
    "hyperparameters": (
        hyperparameters.weight_decay_has_an_effect,
        hyperparameters.a_new_learning_rate_takes_effect_at_once,
        hyperparameters.a_learning_rate_of_zero_moves_nothing,
        hyperparameters.a_learning_rate_can_be_a_tensor,
        hyperparameters.learning_rates_of_zero_and_one_are_taken,
        hyperparameters.maximize_climbs_what_minimize_descends,
        hyperparameters.unknown_hyperparameters_are_refused,
        hyperparameters.negative_hyperparameters_are_refused,
        hyperparameters.nan_hyperparameters_are_refused,
    ),
    "shape and memory": (
        layout.a_scalar_parameter_moves_as_one_element,
        layout.an_empty_parameter_disturbs_nothing,
        layout.every_element_moves_whatever_the_size,
        layout.strided_parameters_move_as_contiguous_ones,
        layout.transposed_parameters_move_as_contiguous_ones,
        layout.channels_last_parameters_move_as_contiguous_ones,
    ),
    "precision": (
        precision.bfloat16_parameters_move,
        precision.float16_parameters_move,
        precision.complex_parameters_move_as_pairs_of_reals,
    ),
    "saving": (
        saving.a_state_dict_restores_to_the_bit,
        saving.a_state_dict_goes_through_a_file,
        saving.a_pickled_optimizer_goes_on,
        saving.a_deep_copy_goes_on,
        saving.state_keeps_its_type_when_loaded,
    ),
    "training": (
        training.every_scheduler_of_torch_drives_it,
        training.a_cycled_momentum_takes_effect,
        training.hooks_run_before_and_after_a_step,
        training.a_gradient_scaler_skips_an_overflow,
        training.it_goes_downhill,
        training.a_compiled_model_trains_as_the_plain_one,
    ),
}

CHECKS = tuple(Check(theme=theme, run=run) for theme, runs in _THEMES.items() for run in runs)
