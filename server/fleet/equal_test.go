// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"reflect"
	"testing"
)

// TestEqual: figures that differ in any field at all are not equal, also in one that somebody adds.
func TestEqual(t *testing.T) {
	of := func() Counts {
		return Counts{Figures: NewFigures(), Counted: NewFigures(), Quarantined: NewFigures()}
	}
	if !of().Equal(of()) {
		t.Error("zeros are not equal")
	}
	fields := 0
	var each func(v reflect.Value, name string, all *Counts)
	each = func(v reflect.Value, name string, all *Counts) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				each(v.Field(i), name+"."+v.Type().Field(i).Name, all)
			}
			return
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		case reflect.Map:
			v.SetMapIndex(reflect.Zero(v.Type().Key()), reflect.New(v.Type().Elem()).Elem())
		case reflect.String:
			v.SetString("x")
		default:
			v.SetInt(1)
		}
		if fields++; all.Equal(of()) || of().Equal(*all) {
			t.Errorf("equal, although%s differs", name)
		}
		*all = of()
	}
	all := of()
	each(reflect.ValueOf(&all).Elem(), "", &all)
	if fields < 3+3*13 {
		t.Errorf("%d fields were looked at", fields)
	}
}
