"""The table of checks, by theme; the first one is what all others stand on."""

from optimizers.conformance import (
    closures,
    gradients,
    hyperparameters,
    independence,
    layout,
    memory,
    precision,
    saving,
    surroundings,
    training,
)
from optimizers.conformance.outcome import Check

_THEMES = {
    "gradients": (
        gradients.takes_plain_steps,
        gradients.every_parameter_moves,
        gradients.a_parameter_without_gradient_rests,
        gradients.a_parameter_frozen_later_rests,
        gradients.gradients_stay_as_they_were,
        gradients.zero_gradients_do_no_harm,
        gradients.accumulated_gradients_count_as_their_sum,
        gradients.zero_grad_clears_both_ways,
        gradients.sparse_gradients_move_as_dense_ones,
        gradients.a_row_that_comes_twice_counts_twice,
        gradients.the_same_gradients_give_the_same_bits,
        gradients.the_last_gradient_takes_effect_at_once,
    ),
    "closures": (
        closures.a_closure_runs_with_gradients_enabled,
        closures.the_loss_of_the_closure_is_returned,
        closures.a_closure_runs_once_a_step,
        closures.a_step_with_closure_is_a_step_after_it,
    ),
    "parameters and groups": (
        independence.a_parameter_unfrozen_late_moves_as_a_fresh_one,
        independence.a_group_added_later_moves_as_a_fresh_one,
        independence.two_groups_are_two_optimizers,
        independence.the_order_of_parameters_does_not_matter,
        independence.parameters_of_equal_shape_keep_to_themselves,
        independence.equal_shapes_can_change_places,
        independence.two_optimizers_keep_to_themselves,
        independence.an_optimizer_built_anew_starts_anew,
        independence.parameters_stay_the_same_objects,
        independence.parameters_come_as_list_generator_groups_or_with_names,
        independence.a_tied_weight_moves_once,
        independence.a_parameter_in_two_groups_is_refused,
    ),
    "hyperparameters": (
        hyperparameters.weight_decay_has_an_effect,
        hyperparameters.weight_decay_pulls_to_zero,
        hyperparameters.a_new_learning_rate_takes_effect,
        hyperparameters.a_step_is_proportional_to_the_learning_rate,
        hyperparameters.hyperparameters_stay_as_they_were_set,
        hyperparameters.a_learning_rate_can_be_a_tensor,
        hyperparameters.a_learning_rate_in_a_tensor_stays_as_it_was,
        hyperparameters.ways_of_execution_agree,
        hyperparameters.maximize_climbs_what_minimize_descends,
        hyperparameters.unknown_hyperparameters_are_refused,
        hyperparameters.negative_hyperparameters_are_refused,
        hyperparameters.nan_hyperparameters_are_refused,
    ),
    "shape and memory": (
        layout.a_scalar_parameter_moves_as_one_element,
        layout.an_empty_parameter_disturbs_nothing,
        layout.elements_move_as_by_themselves_whatever_the_size,
        layout.a_slice_of_a_parameter_moves_as_by_itself,
        layout.strided_parameters_move_as_contiguous_ones,
        layout.transposed_parameters_move_as_contiguous_ones,
        layout.channels_last_parameters_move_as_contiguous_ones,
        memory.parameters_keep_their_memory,
        memory.autograd_sees_every_move,
        memory.parameters_and_state_hold_no_graph,
        memory.memory_does_not_grow_with_steps,
    ),
    "surroundings": (
        surroundings.random_generators_are_left_alone,
        surroundings.settings_of_torch_are_left_alone,
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
        saving.looking_at_it_changes_nothing,
        saving.hyperparameters_are_restored,
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

# What follows from the failure of another check, so that one fault is said once.
STANDS_ON = {
    "a state dict goes through a file": "a state dict restores to the bit",
    "a deep copy goes on": "a pickled optimizer goes on",
    "transposed parameters move as contiguous ones": "strided parameters move as contiguous ones",
    "channels last parameters move as contiguous ones": (
        "transposed parameters move as contiguous ones"
    ),
    "float16 parameters move": "bfloat16 parameters move",
    "nan hyperparameters are refused": "negative hyperparameters are refused",
    "weight decay pulls to zero": "weight decay has an effect",
}
