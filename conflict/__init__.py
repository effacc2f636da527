"""The merge of Simpul: pure values and functions, standard library only."""
